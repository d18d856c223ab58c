"""The line that shows how far a long job is."""

from typing import Any

import pytest

from entrypoints.commands.progress import ProgressLine
from tests.support.fakes.clock import SecondsClock


@pytest.mark.parametrize(
    ("steps", "seconds", "lines"),
    [
        (  # every two seconds at most
            [("identities", done, 20_000) for done in range(0, 5_000, 500)],
            0.5,
            [
                "identities: 2,000 of 20,000 (10 %), 1,000 a second, about 0:00:18 left",
                "identities: 4,000 of 20,000 (20 %), 1,000 a second, about 0:00:16 left",
            ],
        ),
        (  # without a total there is no estimate, and a new part begins anew
            [("limits", 0), ("limits", 400), ("calls", 10), ("calls", 30)],
            2,
            ["limits: 400, 200 a second", "calls: 10", "calls: 30, 10 a second"],
        ),
        (  # a part that is repeated
            [("a", 200, 1000), ("a", 1000, 1000), ("a", 200, 1000), ("a", 600, 1000)],
            4,
            [
                "a: 1,000 of 1,000 (100 %), 200 a second, about 0:00:00 left",
                "a: 200 of 1,000 (20 %)",
                "a: 600 of 1,000 (60 %), 100 a second, about 0:00:04 left",
            ],
        ),
        # a total that is too small
        (
            [("a", 0, 0), ("a", 200, 0), ("a", 600, 500)],
            4,
            ["a: 200, 50 a second", "a: 600, 75 a second"],
        ),
    ],
)
def test_it_shows_rate_and_estimate(
    steps: list[tuple[Any, ...]], seconds: float, lines: list[str]
) -> None:
    shown, clock = list[str](), SecondsClock(100)
    show = ProgressLine(shown.append, clock)
    for step in steps:
        show(*step)
        clock.seconds += seconds

    assert shown == lines

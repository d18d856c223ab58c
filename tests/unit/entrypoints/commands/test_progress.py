"""How far a long job is, on a terminal and elsewhere."""

import pytest

from entrypoints.commands.shared import progress
from entrypoints.commands.shared.progress import ProgressLines
from tests.support.fakes.clock import SecondsClock


def test_a_pipe_gets_a_plain_line_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, clock = list[str](), SecondsClock(100)
    monkeypatch.setattr(progress, "print_errors", shown.append)
    show = ProgressLines(clock)
    for done in range(0, 5_000, 500):
        show("identities", done, 20_000)
        clock.seconds += 0.5
    for total in (0, 600):  # not known; an estimate that is too small
        clock.seconds += 2
        show("calls", 700, total)

    assert shown == [
        "identities: 2,000 of 20,000",
        "identities: 4,000 of 20,000",
        "calls: 700",
        "calls: 700",
    ]

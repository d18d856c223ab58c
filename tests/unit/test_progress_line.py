"""The line that shows how far a long job is."""

from entrypoints.commands.progress import ProgressLine


class FakeSeconds:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_shows_rate_and_estimate_every_two_seconds_at_most() -> None:
    lines: list[str] = []
    clock = FakeSeconds()
    show = ProgressLine(lines.append, clock)

    for done in range(0, 5_000, 500):
        show("identities", done, 20_000)
        clock.seconds += 0.5

    assert lines == [
        "identities: 2,000 of 20,000 (10 %), 1,000 a second, about 0:00:18 left",
        "identities: 4,000 of 20,000 (20 %), 1,000 a second, about 0:00:16 left",
    ]


def test_without_a_total_there_is_no_estimate_and_a_new_part_begins_anew() -> None:
    lines: list[str] = []
    clock = FakeSeconds()
    show = ProgressLine(lines.append, clock)
    for label, done in (("limits", 0), ("limits", 400), ("calls", 10), ("calls", 30)):
        show(label, done)
        clock.seconds += 2

    assert lines == ["limits: 400, 200 a second", "calls: 10", "calls: 30, 10 a second"]


def test_rate_and_estimate_begin_anew_when_a_part_is_repeated() -> None:
    lines: list[str] = []
    clock = FakeSeconds()
    show = ProgressLine(lines.append, clock)
    for done in (200, 1000, 200, 600):
        show("identities", done, 1000)
        clock.seconds += 4

    assert lines[-2:] == [
        "identities: 200 of 1,000 (20 %)",
        "identities: 600 of 1,000 (60 %), 100 a second, about 0:00:04 left",
    ]


def test_a_total_that_is_too_small_is_not_shown() -> None:
    lines: list[str] = []
    clock = FakeSeconds()
    show = ProgressLine(lines.append, clock)
    for done, total in ((200, 0), (600, 500)):
        clock.seconds += 4
        show("identities", done, total)

    assert lines == ["identities: 200", "identities: 600, 100 a second"]

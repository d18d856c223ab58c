"""How far a long job is, on a terminal and elsewhere."""

import os
import sys
from contextlib import suppress

import pytest

from entrypoints.commands.shared import progress
from entrypoints.commands.shared.progress import ProgressLines, show_progress
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


def test_a_terminal_gets_a_bar_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    controller, terminal = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with show_progress() as show:
            for label, done, total in (("users", 200, 1000), ("[calls]", 10, None)):
                show(label, done, total)
                show(label, done + 10, total)
        monkeypatch.undo()
    shown = b""
    with os.fdopen(controller, "rb", buffering=0) as reader, suppress(OSError):  # EIO at the end
        while part := reader.read(1 << 16):
            shown += part

    assert b"[calls]" in shown
    assert shown.endswith(b"\x1b[2K")

"""The CSV report of an import, and how far a long job is, on a terminal and elsewhere."""

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from entrypoints.commands.features.imports.report_file import open_report
from entrypoints.commands.shared import progress
from entrypoints.commands.shared.progress import ProgressLines, show_progress
from entrypoints.settings.startup_error import CommandError
from tests.support.fakes.clock import SecondsClock

HEADER = ("id", "text")


def test_only_its_owner_reads_the_report_and_none_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.touch()  # a killed process has left it
    with open_report(path, replaces=False) as report:
        report.write(HEADER, ("a", "b"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists"), open_report(path, replaces=False):
        pass
    assert path.read_bytes() == b"id,text\r\na,b\r\n"


def test_a_former_report_is_replaced_at_the_end_of_a_complete_import(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"former")
    (tmp_path / "report.csv.part").touch()  # an import was killed
    with open_report(path, replaces=True) as report:
        report.write(HEADER, ("early", ""))
    assert [path.read_bytes(), *tmp_path.iterdir()] == [b"former", path]

    with open_report(path, replaces=True) as report:
        report.write(HEADER, ("later", ""))
        assert path.read_bytes() == b"former"
        report.is_complete = True
    assert path.read_bytes() == b"id,text\r\nlater,\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    with open_report(path, replaces=True) as report:
        report.is_complete = True
    assert not [*tmp_path.iterdir()]  # without rows, the former report goes


@pytest.mark.parametrize("rows", [0, 1])
def test_a_full_disk_leaves_whole_rows_and_no_file_without_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    path, write = tmp_path / "report.csv", os.write

    def fill(descriptor: int, data: bytes) -> int:
        if len(data) > 3:
            return write(descriptor, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def report_on_full_disk() -> None:
        with open_report(path, replaces=False) as report:
            for _ in range(rows):
                report.write(HEADER, ("a", "b"))
            monkeypatch.setattr(os, "write", fill)
            report.write(HEADER, ("c", "d"))

    with pytest.raises(CommandError, match=r"cannot be written: No space left.* again") as raised:
        report_on_full_disk()

    assert ("--replace" in str(raised.value)) is path.exists() is bool(rows)
    if rows:
        assert path.read_bytes() == b"id,text\r\na,b\r\n"


# Progress


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

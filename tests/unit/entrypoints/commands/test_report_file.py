"""The CSV report of an import."""

import errno
import os
import stat
from pathlib import Path

import pytest

from entrypoints.commands.features.imports.report_file import open_report
from entrypoints.settings.startup_error import CommandError

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

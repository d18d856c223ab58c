"""The CSV report of an import."""

import csv
import os
import stat
from pathlib import Path

import pytest

from entrypoints.commands.features.imports.report_file import open_report
from entrypoints.opening.startup_error import CommandError

FORMULAS = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\rx"]


def test_no_field_is_read_as_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"

    with open_report(path, replaces=False) as report:
        report.write(("id", "text"))
        for formula in FORMULAS:
            report.write(("a", formula))
        report.write(("\ud83d, b", 'with "quotes"\nand lines'))

    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "text"]
    assert [row[1] for row in rows[:-1]] == [f"'{formula}" for formula in FORMULAS]
    # Half a surrogate pair is written as its escape.
    assert rows[-1] == [r"\ud83d, b", 'with "quotes"\nand lines']


def test_only_its_owner_reads_the_report_and_none_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    with open_report(path, replaces=False) as report:
        report.write(("a",))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists"), open_report(path, replaces=False):
        pass
    assert path.read_bytes() == b"a\r\n"
    with open_report(path, replaces=True):
        pass
    assert not path.exists()  # it has no rows


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(os, "open", lambda *_: full)

    is_refused = pytest.raises(CommandError, match="cannot be written: No space left")
    with is_refused, open_report(tmp_path / "report.csv", replaces=True) as report:
        report.write(("123",))

"""The CSV report of an import."""

import csv
import stat
from pathlib import Path

import pytest

from entrypoints.commands.imports.report_file import open_report
from entrypoints.opening.startup_error import CommandError

FORMULAS = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\rx"]


def test_no_field_is_read_as_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"

    with open_report(path, ("id", "text")) as write_row:
        for formula in FORMULAS:
            write_row(("a", formula))
        write_row(("a, b", 'with "quotes"\nand lines'))

    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "text"]
    assert [row[1] for row in rows[:-1]] == [f"'{formula}" for formula in FORMULAS]
    assert rows[-1] == ["a, b", 'with "quotes"\nand lines']


def test_only_its_owner_reads_the_report_and_none_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    with open_report(path, ("id",)) as write_row:
        write_row(("a",))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists"), open_report(path, ("id",)):
        pass
    assert path.read_bytes() == b"id\r\na\r\n"
    with open_report(path, ("id",), replaces=True):
        pass
    assert path.read_bytes() == b"id\r\n"

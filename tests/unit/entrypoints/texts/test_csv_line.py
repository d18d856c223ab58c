"""Lines of CSV."""

import pytest

from entrypoints.texts.csv_line import to_csv_line


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("\t=1", "'\t'=1"),
        ("a;=1", "a;'=1"),
        ('a;"=1"', 'a;\'""=1""'),
        ("\uff1d1", "'\uff1d1"),
        ('a"b', 'a""b'),
        ("a-b", "a-b"),
    ],
)
def test_no_spreadsheet_runs_a_cell(cell: str, written: str) -> None:
    assert to_csv_line([cell, None]) == f'"{written}",""'

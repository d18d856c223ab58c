"""The file of the lines that are not imported."""

import csv
import os
from pathlib import Path

import pytest

from application.imports.sources import SourceUser
from application.imports.user_lines import InvalidLine, LineProblem
from entrypoints.commands.imports.rejected_lines import open_rejected_lines
from entrypoints.opening.startup_error import CommandError


def write(path: Path, original: dict[str, str]) -> dict[str, str]:
    with open_rejected_lines(path, replaces=True) as rejected:
        problem = LineProblem.INVALID_LINE
        rejected.write(SourceUser("2", InvalidLine(problem), original=original), problem, "")
    with path.open(newline="", encoding="utf-8") as file:
        header, row = csv.reader(file)
    return dict(zip(header, row, strict=True))


def test_half_a_surrogate_pair_is_written_as_its_escape(tmp_path: Path) -> None:
    row = write(tmp_path / "rejected.csv", {"record": "\ud83d"})
    assert row["record"] == r"\ud83d"


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(os, "open", lambda *_: full)

    with pytest.raises(CommandError, match="cannot be written: No space left"):
        write(tmp_path / "rejected.csv", {"phone": "123"})

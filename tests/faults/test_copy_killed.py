"""A copy that is killed before any of its writes is continued."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Final

from adapters.records.copying import copied_kinds
from tests.integration.test_copying import fill, rows_of, sqlite_place

PROJECT: Final = Path(__file__).parents[2]


def test_a_copy_that_is_killed_before_any_write_is_continued(tmp_path: Path) -> None:
    source, folder = tmp_path / "source.db", tmp_path / "copies"
    folder.mkdir()
    asyncio.run(fill(sqlite_place(source)))
    expected = rows_of(source)
    expected["instances"] = expected["instance_leases"] = []

    worker = [sys.executable, "-m", "tests.faults.copy_worker", str(source), str(folder)]
    subprocess.run(worker, cwd=PROJECT, check=True)

    copies = [*folder.glob("copy-*.db")]
    # One for each kind of records, for two marks at the beginning and two at the end, and one that
    # was not killed.
    assert len(copies) == len(copied_kinds()) + 4 + 1
    assert [path.name for path in copies if rows_of(path) != expected] == []

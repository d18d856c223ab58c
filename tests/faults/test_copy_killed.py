"""A copy that is killed before any of its writes is continued."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Final

from adapters.databases.records.copying import copied_kinds
from tests.integration.adapters.databases.test_copying import fill, rows_of, sqlite_place
from tests.integration.adapters.databases.test_copying_under_other_keys import (
    assert_copied,
    fill_under,
)
from tests.integration.adapters.databases.test_phone_keys import OLD

PROJECT: Final = Path(__file__).parents[2]


def copies_of(source: Path, *options: str) -> list[Path]:
    """Return the copies that were killed before a write and continued, and one that was not."""
    folder = source.parent / "copies"
    folder.mkdir()
    worker = [sys.executable, "-m", "tests.faults.copy_worker", str(source), str(folder)]
    subprocess.run([*worker, *options], cwd=PROJECT, check=True)
    return [*folder.glob("copy-*.db")]


def test_a_copy_that_is_killed_before_any_write_is_continued(tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    asyncio.run(fill(sqlite_place(source)))
    expected = rows_of(source)
    expected["instances"] = expected["instance_leases"] = []

    copies = copies_of(source)

    # At least one for each kind of records, for two marks at the beginning and two at the end, and
    # one that was not killed.
    assert len(copies) >= len(copied_kinds()) + 4 + 1
    assert [path.name for path in copies if rows_of(path) != expected] == []


def test_a_copy_under_other_keys_that_is_killed_before_any_write_is_continued(
    tmp_path: Path,
) -> None:
    source = tmp_path / "source.db"
    asyncio.run(fill_under(OLD, sqlite_place(source)))

    copies = copies_of(source, "other-keys")

    # Phone verifications, identities, assignments, the marks, and one that was not killed.
    assert len(copies) >= 3 + 4 + 1
    for path in copies:
        asyncio.run(assert_copied(sqlite_place(path)))

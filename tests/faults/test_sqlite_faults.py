import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.faults.disks import Command, fill, make_read_only, run_with_disk
from tests.support.sqlite_files import add_identity


def worker(task: str, path: Path) -> Command:
    return [sys.executable, "-m", "tests.faults.sqlite_worker", task, str(path)]


def test_a_kill_while_the_schema_is_created_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    killed = subprocess.run(
        worker("die_creating", path), capture_output=True, text=True, check=False, timeout=60
    )
    assert (killed.stdout, killed.returncode < 0) == ("creating\n", True)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
    add_identity(path, 1)


def test_a_full_disk_fails_only_writes_and_only_while_it_is_full(disk: Path) -> None:
    path = disk / "records.db"

    lines = run_with_disk(disk, "3m", worker("survive_full_disk", path))

    assert lines == [
        "error: the disk is full",
        "some stored: True",
        "read while full: True",
        "failed are absent: True",
        "health check: the disk is full",
        "health check: works again",
        "written again: True",
        "all present: True",
    ]


def test_a_file_on_a_disk_that_became_full_or_read_only_is_an_error_that_says_so(
    disk: Path,
) -> None:
    path = disk / "records.db"
    opening = worker("open_and_read", path)
    free = ["rm", f"{disk}/ballast"]

    *lines, read_only = run_with_disk(
        disk, "1m", opening, fill(disk), opening, free, opening, make_read_only(disk), opening
    )

    full = f"error: The disk that holds {path} is full: free some space and start again."
    assert lines == ["opened", "read", full, "opened", "read"]
    assert read_only.startswith(f"error: {path} cannot be written: ")

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.disks import Command, fill, make_read_only, run_with_disk


def worker(task: str, folder: Path) -> Command:
    return [sys.executable, "-m", "tests.faults.disk_worker", task, str(folder)]


def read_lines(command: Command) -> list[str]:
    completed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.splitlines()


def test_a_full_disk_fails_only_writes_and_only_while_it_is_full(disk: Path) -> None:
    lines = run_with_disk(disk, "1m", worker("survive_full_disk", disk / "media"))

    assert lines == [
        "write: done",
        "write too much: MediaStorageFull: the disk is full",
        f"files: ['{1:032x}.jpg']",
        "health check: MediaStorageFull: the disk is full",
        "read: True",
        "health check: done",
        "write: done",
        "delete: done",
    ]


def test_a_disk_that_becomes_read_only_can_be_read(disk: Path) -> None:
    lines = run_with_disk(disk, "1m", worker("survive_read_only_disk", disk / "media"))

    assert lines == [
        "write: done",
        "write: MediaFileRejected: the folder is read-only",
        "delete: MediaFileRejected: the folder is read-only",
        "health check: MediaFileRejected: the folder is read-only",
        "read: True",
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (fill, "the disk is full: free some space and start again."),
        (
            make_read_only,
            "the folder is read-only: mount it for writing, or name another folder.",
        ),
    ],
)
def test_a_folder_on_a_full_or_read_only_disk_is_an_error_at_start(
    disk: Path, change: Callable[[Path], Command], reason: str
) -> None:
    folder = disk / "media"
    opening = worker("open_and_write", folder)

    *_, line = run_with_disk(disk, "1m", opening, change(disk), opening)

    assert line == f"error: The media folder {folder} cannot be used, {reason}"


def test_a_kill_at_any_line_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    outcomes = Counter(read_lines(worker("die_at_every_line", tmp_path)))

    # Killed before the file was moved, after that but before the acknowledgment, or not at all.
    assert set(outcomes) == {"killed nothing", "killed whole", "done whole"}
    assert outcomes["done whole"] == 1

    unfinished, files = read_lines(worker("cleanup", tmp_path))

    assert int(unfinished) > 0
    assert int(files) == outcomes["killed whole"] + outcomes["done whole"]

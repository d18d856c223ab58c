import sys
from pathlib import Path

from tests.faults.disks import Command, fill, make_read_only, run_with_disk


def worker(task: str, folder: Path) -> Command:
    return [sys.executable, "-m", "tests.faults.disk_worker", task, str(folder)]


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


def test_a_folder_on_a_full_or_read_only_disk_is_opened_and_can_be_read(disk: Path) -> None:
    opening = worker("open_write_and_read", disk / "media")
    free = ["rm", f"{disk}/ballast"]

    lines = run_with_disk(
        disk, "1m", opening, fill(disk), opening, free, make_read_only(disk), opening
    )

    assert lines == [
        "write: done",
        "read: True",
        "write: MediaStorageFull: the disk is full",
        "read: True",
        "write: MediaFileRejected: the folder is read-only",
        "read: True",
    ]

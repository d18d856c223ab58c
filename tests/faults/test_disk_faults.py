import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.namespaces import Command, fill, make_read_only, run_with_disk


def worker(task: str, folder: Path) -> Command:
    return [sys.executable, "-m", "tests.faults.disk_worker", task, str(folder)]


def lines_of(command: Command) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def without_powers(command: Command) -> Command:
    """The command as somebody whom permissions bind, which they do not bind root."""
    if os.geteuid() != 0:
        return command
    nobody = ["unshare", "--user"]
    tried = subprocess.run([*nobody, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.fail(
            "Root is bound by no permissions: run this test as another user, or allow user "
            f"namespaces. Tried: {shlex.join(nobody)}: {tried.stderr.strip()}"
        )
    return [*nobody, *command]


def test_a_full_disk_stops_storing_alone_and_only_while_it_is_full(disk: Path) -> None:
    lines = run_with_disk(disk, "1m", worker("live_through_a_full_disk", disk / "media"))

    assert lines == [
        "store: done",
        "store too much: the disk is full",
        f"left of it: ['{1:032x}.jpg']",
        "look: the disk is full",
        "read: True",
        "look: done",
        "store: done",
        "remove: done",
    ]


def test_a_disk_that_becomes_read_only_is_still_read(disk: Path) -> None:
    lines = run_with_disk(disk, "1m", worker("live_through_a_read_only_disk", disk / "media"))

    assert lines == [
        "store: done",
        "store: the folder is read-only",
        "remove: the folder is read-only",
        "look: the folder is read-only",
        "read: True",
    ]


def test_a_folder_on_a_full_disk_is_refused(disk: Path) -> None:
    folder = disk / "media"

    *_, line = run_with_disk(
        disk, "1m", worker("open_and_store", folder), fill(disk), worker("open_and_store", folder)
    )

    assert line == (
        f"refused: The media folder {folder} cannot be used, the disk is full: "
        "free some space and start again."
    )


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_on_a_read_only_disk_is_refused(disk: Path, is_there: bool) -> None:
    folder = disk / "media"
    before = [worker("open_and_store", folder)] if is_there else []

    *_, line = run_with_disk(
        disk, "1m", *before, make_read_only(disk), worker("open_and_store", folder)
    )

    assert line == (
        f"refused: The media folder {folder} cannot be used, the folder is read-only: "
        "mount it for writing, or name another folder."
    )


@pytest.mark.parametrize("folder", ["", "media"])
def test_a_folder_that_may_not_be_written_is_refused(disk: Path, folder: str) -> None:
    disk.chmod(0o500)

    [line] = lines_of(without_powers(worker("open_and_store", disk / folder)))

    assert line == (
        f"refused: The media folder {disk / folder} cannot be used, permission denied: "
        "let the service's user write it, or name another folder."
    )


def test_a_kill_at_any_step_leaves_a_file_whole_or_not_to_be_seen(tmp_path: Path) -> None:
    lines = lines_of(worker("die_at_every_step", tmp_path))

    seen = Counter(lines)
    # Killed before it was moved into place; after that, but before it was acknowledged; never.
    assert set(seen) == {"killed nothing", "killed whole", "done whole"}
    assert seen["done whole"] == 1

    unfinished, left = lines_of(worker("cleanup", tmp_path))

    assert int(unfinished) > 0
    assert int(left) == seen["killed whole"] + seen["done whole"]

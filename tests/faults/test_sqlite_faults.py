import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.disks import Command, fill, make_read_only, run_with_disk
from tests.support.builders import an_id, an_identity
from tests.support.repositories import open_sqlite_repositories


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def worker(task: str, path: Path, *arguments: str) -> Command:
    return [sys.executable, "-m", "tests.faults.sqlite_worker", task, str(path), *arguments]


@contextmanager
def run_worker(task: str, path: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a worker, which is killed at the end of the block if it has not exited."""
    with subprocess.Popen(
        worker(task, path, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def free(disk: Path) -> Command:
    return ["rm", f"{disk}/ballast"]


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def send_line(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


async def test_acknowledged_writes_survive_any_number_of_kills(path: Path) -> None:
    acknowledged: list[int] = []
    for turn in range(3):
        with run_worker("acknowledge", path, str(turn * 1_000_000)) as process:
            # Each round is killed at another point of its batch.
            acknowledged += [int(read_line(process)) for _ in range(40 + 3 * turn)]
            process.kill()
            assert process.stdout is not None
            acknowledged += [int(line) for line in process.stdout]

        async with open_sqlite_repositories(path) as records:
            for number in acknowledged:
                identity = an_identity(id=an_id(number))
                loaded = await records.identities.load(identity.id)
                assert loaded is not None
                assert loaded.value == identity
            await records.health.check()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_kill_while_the_schema_is_created_leaves_an_empty_file(path: Path) -> None:
    with run_worker("die_creating", path) as process:
        assert read_line(process) == "creating"
        assert process.wait(timeout=60) < 0

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
    async with open_sqlite_repositories(path) as records:
        assert await records.identities.add(an_identity())


def test_processes_that_create_a_file_at_once_all_open_it(path: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(run_worker("open_together", path)) for _ in range(8)]
        assert [read_line(process) for process in processes] == ["ready"] * 8
        for process in processes:
            send_line(process)
        assert [read_line(process) for process in processes] == ["opened"] * 8


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


def test_a_file_on_a_disk_that_became_full_opens_when_there_is_space(disk: Path) -> None:
    path = disk / "records.db"
    opening = worker("open_and_read", path)

    lines = run_with_disk(disk, "1m", opening, fill(disk), opening, free(disk), opening)

    error = f"error: The disk that holds {path} is full: free some space and start again."
    assert lines == ["opened", "read", error, "opened", "read"]


def test_a_file_on_a_disk_that_became_read_only_is_an_error(disk: Path) -> None:
    path = disk / "records.db"
    opening = worker("open_and_read", path)

    *_, line = run_with_disk(disk, "1m", opening, make_read_only(disk), opening)

    assert line.startswith(f"error: {path} cannot be written: ")

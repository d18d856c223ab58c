import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_records
from application.ports.versioned import Versioned
from tests.faults.namespaces import Command, fill, make_read_only, run_with_disk
from tests.faults.sqlite_worker import WINS
from tests.support.builders import a_phone, an_id, an_identity
from tests.support.fakes.seal import FakeSeal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def worker(task: str, path: Path, *rest: str) -> Command:
    return [sys.executable, "-m", "tests.faults.sqlite_worker", task, str(path), *rest]


@contextmanager
def working(task: str, path: Path, *rest: str) -> Iterator["subprocess.Popen[str]"]:
    """A worker, which is killed at the end of the block if it has not ended."""
    with subprocess.Popen(
        worker(task, path, *rest), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def free(disk: Path) -> Command:
    return ["rm", f"{disk}/ballast"]


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def send_line_to(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


async def test_what_was_acknowledged_outlives_any_number_of_kills(path: Path) -> None:
    acknowledged: list[int] = []
    for turn in range(5):
        with working("acknowledge", path, str(turn * 1_000_000)) as process:
            # Each round is killed elsewhere in its batch.
            acknowledged += [int(line_of(process)) for _ in range(40 + 3 * turn)]
            process.kill()
            assert process.stdout is not None
            acknowledged += [int(line) for line in process.stdout]

        async with open_sqlite_records(path, FakeSeal()) as records:
            for number in acknowledged:
                identity = an_identity(id=an_id(number))
                assert await records.identities.load(identity.id) == Versioned(identity, 1)
            await records.health.check()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_migration_that_is_killed_leaves_the_version_before(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        await records.identities.add(an_identity())

    with working("die_migrating", path) as process:
        assert line_of(process) == "migrating"
        assert process.wait(timeout=60) < 0

    async with open_sqlite_records(path, FakeSeal()) as records:
        assert await records.identities.load(an_id()) == Versioned(an_identity(), 1)
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT * FROM sqlite_master WHERE name = 'added'").fetchall()
    assert found == []


def test_processes_that_open_a_new_file_at_once_all_do(path: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(working("open_at_a_sign", path)) for _ in range(8)]
        assert [line_of(process) for process in processes] == ["ready"] * 8
        for process in processes:
            send_line_to(process)
        assert [line_of(process) for process in processes] == ["opened"] * 8


async def test_of_two_processes_that_count_together_neither_loses_one(path: Path) -> None:
    with working("count", path) as one, working("count", path) as other:
        for process in (one, other):
            assert line_of(process) == "opened"
        for process in (one, other):
            send_line_to(process)
        for process in (one, other):
            assert line_of(process) == "done"

    async with open_sqlite_records(path, FakeSeal()) as records:
        counted = (await records.phone_verifications.load(a_phone())).value.identity_id
    assert counted == an_id(2 * WINS)


def test_a_full_disk_stops_writing_alone_and_only_while_it_is_full(disk: Path) -> None:
    path = disk / "records.db"

    lines = run_with_disk(disk, "3m", worker("live_through_a_full_disk", path))

    assert lines == [
        "refused: the disk is full",
        "full after some: True",
        "read while full: True",
        "refused are not there: True",
        "probe: the disk is full",
        "probe: works again",
        "written again: True",
        "all there: True",
    ]


def test_a_new_database_on_a_full_disk_is_refused(disk: Path) -> None:
    path = disk / "records.db"

    [line] = run_with_disk(disk, "1m", fill(disk), worker("open_and_read", path))

    assert line == f"refused: The disk that holds {path} is full: free some space and start again."


def test_a_database_on_a_disk_that_became_full_is_refused_until_there_is_room(disk: Path) -> None:
    path = disk / "records.db"
    opening = worker("open_and_read", path)

    lines = run_with_disk(disk, "1m", opening, fill(disk), opening, free(disk), opening)

    refusal = f"refused: The disk that holds {path} is full: free some space and start again."
    assert lines == ["opened", "read", refusal, "opened", "read"]


def test_a_new_database_on_a_read_only_disk_is_refused(disk: Path) -> None:
    path = disk / "records.db"

    [line] = run_with_disk(disk, "1m", make_read_only(disk), worker("open_and_read", path))

    assert line.startswith(f"refused: {path} cannot be written: ")


def test_a_database_on_a_disk_that_became_read_only_is_refused(disk: Path) -> None:
    path = disk / "records.db"

    *_, line = run_with_disk(
        disk,
        "1m",
        worker("open_and_read", path),
        make_read_only(disk),
        worker("open_and_read", path),
    )

    assert line.startswith(f"refused: {path} cannot be written: ")

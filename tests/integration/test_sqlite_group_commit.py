import asyncio
import sqlite3
import struct
from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_records
from application.ports.errors import UniqueViolation
from tests.support.builders import a_user, an_id, an_identity
from tests.support.fakes.seal import FakeSeal

WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def commits(path: Path) -> int:
    """Count the commits in the log: the last frame of each says how large the file became."""
    log = Path(f"{path}-wal").read_bytes()
    frames = range(WAL_HEADER, len(log), FRAME_HEADER + PAGE)
    return sum(struct.unpack_from(">I", log, frame + 4)[0] > 0 for frame in frames)


def holding(path: Path) -> sqlite3.Connection:
    """Keep every writer out until this connection is closed."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


async def test_writes_that_come_one_by_one_need_a_commit_each(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        before = commits(path)
        for number in range(10):
            await records.identities.add(an_identity(id=an_id(number)))

        assert commits(path) - before == 10


async def test_a_hundred_writes_that_wait_together_need_two_commits_at_most(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        before = commits(path)
        holder = holding(path)
        tasks = [
            asyncio.create_task(records.identities.add(an_identity(id=an_id(number))))
            for number in range(100)
        ]
        await asyncio.sleep(0)
        holder.close()

        assert await asyncio.gather(*tasks) == [True] * 100
        # Two, not one: the first to come may be under way before the others are there.
        assert commits(path) - before <= 2


async def test_a_refusal_within_a_commit_is_only_the_refuseds(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        before = commits(path)
        holder = holding(path)
        tasks = [
            asyncio.create_task(
                records.identities.add(an_identity(id=an_id(number), user=a_user(name)))
            )
            for number, name in enumerate(["Zoë", "Rahul", "zoë", "Mei"])
        ]
        await asyncio.sleep(0)
        holder.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        assert commits(path) - before <= 2
        assert [outcomes[number] for number in (0, 1, 3)] == [True, True, True]
        assert isinstance(outcomes[2], UniqueViolation)


async def test_a_caller_who_leaves_harms_nobody(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        holder = holding(path)
        tasks = [
            asyncio.create_task(records.identities.add(an_identity(id=an_id(number))))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        holder.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        assert outcomes[1::2] == [True] * 10
        for number in range(1, 20, 2):
            assert await records.identities.load(an_id(number)) is not None


async def test_closing_leaves_one_whole_file(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        assert await records.identities.add(an_identity())

    assert [one.name for one in path.parent.iterdir()] == ["records.db"]


async def test_closing_waits_for_the_writes_under_way(path: Path) -> None:
    async with open_sqlite_records(path, FakeSeal()) as records:
        tasks = [
            asyncio.create_task(records.identities.add(an_identity(id=an_id(number))))
            for number in range(100)
        ]
        await asyncio.sleep(0)

    assert await asyncio.gather(*tasks) == [True] * 100

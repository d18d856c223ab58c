import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adapters.sqlite.connection import connect_to_read, connect_to_write
from adapters.sqlite.database import Database
from adapters.sqlite.lane import open_lane
from adapters.sqlite.probe import SqliteProbe
from adapters.sqlite.serving import commit_together, read_together
from application.ports.errors import StorageUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with (
        open_lane("writer", partial(connect_to_write, path, "keys"), commit_together) as writer,
        open_lane("reader", partial(connect_to_read, path), read_together) as reader,
    ):
        yield Database(reader, writer)


def probes(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        [(count,)] = connection.execute("SELECT value FROM meta WHERE name = 'probes'")
    return int(count)


async def test_a_look_writes_as_well(database: Database, path: Path) -> None:
    await SqliteProbe(database).check()
    await SqliteProbe(database).check()

    assert probes(path) == 2


async def test_a_database_that_can_only_be_read_does_not_work(
    database: Database, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StorageUnavailable, match="no answer within"):
            await SqliteProbe(database, patience=0.01).check()

    await SqliteProbe(database).check()

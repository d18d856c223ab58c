"""Several records are written together: each as a write of its own would do it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from adapters.mongo import open_mongo_database
from adapters.postgres import open_postgres_database
from adapters.records.database import Database
from adapters.records.identities import IdentityRecord
from adapters.records.kinds import ENCRYPTED_PHONE, IDENTITIES, LEASES
from adapters.records.leases import LeaseRecord
from adapters.records.record_store import (
    BatchReplacements,
    BatchWrites,
    Move,
    Overwrite,
    Replacement,
)
from adapters.sqlite import open_sqlite_database
from tests.support.builders import NOW

LATER = NOW.replace(year=NOW.year + 1)
OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]


@pytest.fixture(params=["sqlite", "mongo", "postgres"])
def open_database(request: pytest.FixtureRequest, tmp_path: Path) -> OpenDatabase:
    match request.param:
        case "sqlite":
            return lambda: open_sqlite_database(tmp_path / "records.db", "keys")
        case "mongo":
            mongo_url: str = request.getfixturevalue("mongo_database")
            return lambda: open_mongo_database(mongo_url, "keys")
        case _:
            postgres_url: str = request.getfixturevalue("postgres_database")
            return lambda: open_postgres_database(postgres_url, "keys")


async def test_only_records_with_their_version_are_replaced(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        store = database.records
        assert isinstance(store, BatchReplacements)
        for name in ("a", "b"):
            await store.add(LEASES, name, LeaseRecord(expires_at=NOW), 5)
        later = LeaseRecord(expires_at=LATER)

        replaced = await store.replace_all(
            LEASES, [Replacement("a", later, 5), Replacement("b", later, 4)]
        )

        assert replaced == 1
        found = await store.load(LEASES, ["a", "b"])
        assert {name: stored.version for name, stored in found.items()} == {"a": 6, "b": 5}
        assert found["a"].record.expires_at == LATER


async def test_only_records_with_their_version_are_overwritten_and_moved(
    open_database: OpenDatabase,
) -> None:
    async with open_database() as database:
        store = database.records
        assert isinstance(store, BatchWrites)
        for record_id in ("a", "b"):
            record = IdentityRecord(id=record_id, created_at=NOW, encrypted_phone=b"first")
            await store.add(IDENTITIES, record_id, record, 5)

        await store.overwrite_all(
            IDENTITIES, ENCRYPTED_PHONE, [Overwrite("a", b"new", 5), Overwrite("b", b"new", 4)]
        )
        found = await store.load(IDENTITIES, ["a", "b"])
        assert [found[name].record.encrypted_phone for name in "ab"] == [b"new", b"first"]

        moved = IdentityRecord(id="c", created_at=NOW, encrypted_phone=b"moved")
        await store.move_all(IDENTITIES, [Move("a", "c", moved, 6), Move("b", "d", moved, 4)])
        found = await store.load(IDENTITIES, ["a", "b", "c", "d"])
        assert {name: stored.version for name, stored in found.items()} == {"b": 5, "c": 7}
        assert await store.estimate_size(IDENTITIES) in (-1, 2)  # -1: before the first ANALYZE

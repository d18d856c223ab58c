"""The promises of `UndeclaredRecords`, which a `RecordStore` may have besides.

A program without a feature finds and deletes the records of the feature by it.
"""

from typing import Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import LEASES, LeaseRecord
from adapters.databases.records.undeclared_records import ListsUnknown, UndeclaredRecords
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.record_examples import NOW

COUNT: Final = 5
NO_TABLE: Final = "no_such_records"


@pytest.fixture
def store(database: Database) -> UndeclaredRecords:
    if not isinstance(database.records, UndeclaredRecords):
        not_promised("it has no has_undeclared() and delete_undeclared()")
    return database.records


async def add_leases(database: Database) -> None:
    for number in range(COUNT):
        await database.records.add(LEASES, str(number), LeaseRecord(expires_at=NOW), 1)


async def test_records_are_found_by_the_name_of_their_kind_and_deleted_in_batches(
    database: Database, store: UndeclaredRecords
) -> None:
    assert not await store.has_undeclared(LEASES.name)
    await add_leases(database)
    assert await store.has_undeclared(LEASES.name)

    deleted = [await store.delete_undeclared(LEASES.name, 3) for _ in range(3)]

    assert deleted == [3, 2, 0]
    for name in (LEASES.name, NO_TABLE):
        assert not await store.has_undeclared(name)
    assert await store.delete_undeclared(NO_TABLE, 3) == 0


async def test_what_this_program_knows_is_not_listed_as_unknown(
    database: Database, store: UndeclaredRecords
) -> None:
    if not isinstance(store, ListsUnknown):
        not_promised("it has no list_unknown(), by which records of extensions are found")
    await add_leases(database)

    assert LEASES.name not in await store.list_unknown()

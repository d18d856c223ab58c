"""A database as schema version 1 wrote it is read by every version after.

The file is never written anew: who renames a member finds its value missing here. In each
document every member has a value that is not its default.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from pymongo import MongoClient

from adapters.mongo import open_mongo_records
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.media.image import MediaKind
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from tests.integration.test_sqlite_golden import (
    ALIVE,
    BLOCKED,
    BLOCKED_PHONE,
    BLOCKED_RECORD,
    DOOMED,
    MINUTE,
    PHONE,
    READY,
    RECORD,
    START,
    TOMBSTONE,
)
from tests.support.fakes.seal import FakeSeal

GOLDEN = Path(__file__).with_name("golden") / "mongo_schema_1.json"
WITH_BLOCKS = GOLDEN.with_name("mongo_schema_1_blocked.json")


@pytest.fixture
async def records(mongo_database: str) -> AsyncIterator[Repositories]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        for golden in (GOLDEN, WITH_BLOCKS):
            for collection, documents in json_util.loads(golden.read_text("utf-8")).items():
                database[collection].insert_many(documents)
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        yield records


async def test_a_phone_record_is_read(records: Repositories) -> None:
    assert (await records.phone_verifications.load(PHONE)).value == RECORD


async def test_what_was_written_before_phones_could_be_blocked_is_not_blocked(
    records: Repositories,
) -> None:
    identity = await records.identities.load(ALIVE.id)

    assert (await records.phone_verifications.load(PHONE)).value.blocked_at is None
    assert identity is not None
    assert not identity.value.is_blocked


async def test_a_blocked_phone_is_read(records: Repositories) -> None:
    assert (await records.phone_verifications.load(BLOCKED_PHONE)).value == BLOCKED_RECORD


@pytest.mark.parametrize("identity", [ALIVE, TOMBSTONE, BLOCKED])
async def test_an_identity_is_read(records: Repositories, identity: Identity) -> None:
    assert await records.identities.load(identity.id) == Versioned(identity, 1)


async def test_an_identity_is_found_by_its_name(records: Repositories) -> None:
    found = await records.identities.find_by_username(Username("ZOË QUÉRÉ"))

    assert found == Versioned(ALIVE, 1)


async def test_a_tombstone_is_where_it_belongs(records: Repositories) -> None:
    asked = [ALIVE.id, TOMBSTONE.id]

    assert await records.deleted_identities.find_deleted(asked) == {TOMBSTONE.id}
    assert await records.deleted_identities.list_unpurged(10) == []
    assert await records.deleted_identities.list_with_username(START + 2 * MINUTE, 10) == [
        Versioned(TOMBSTONE, 1)
    ]


@pytest.mark.parametrize("item", [READY, DOOMED])
async def test_an_item_is_read(records: Repositories, item: MediaItem) -> None:
    assert await records.media_items.load(item.id) == Versioned(item, 1)
    assert await records.media_items.find_by_storage_key(item.storage_key) == item


async def test_an_item_is_where_it_belongs(records: Repositories) -> None:
    chosen = ItemFilter(READY.owner_id, MediaKind.GIF, "Räder")

    assert await records.media_pages.list_page(chosen, 0, 10) == [READY]
    assert await records.media_cleanup.list_deleting(START + 20 * MINUTE, 10) == [
        Versioned(DOOMED, 1)
    ]


async def test_what_was_written_then_can_be_replaced_now(records: Repositories) -> None:
    signed_out = ALIVE.signed_out(ALIVE.sessions[0].id)

    assert await records.identities.replace(signed_out, 1)
    assert await records.identities.load(ALIVE.id) == Versioned(signed_out, 2)

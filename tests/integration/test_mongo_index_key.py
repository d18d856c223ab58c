"""Another index key for a database that instances of an earlier version have used."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import change_index_key, check_unused
from adapters.mongo.metadata import METADATA_ID, SCHEMA_VERSION
from application.ports.errors import ConfigurationError
from tests.integration.mongo_support import KEY_FINGERPRINT
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_mongo_repositories

OLD, NEW = FakePhoneEncryption(), FakePhoneEncryption(b"another key")
LEASE = {"_id": "cleanup", "expires_at": NOW}


@pytest.fixture
def earlier(mongo_database: str) -> Iterator[Database[dict[str, Any]]]:
    """The database of an earlier version, which has none of the new collections."""
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        metadata = {"schema_version": SCHEMA_VERSION, "key_fingerprint": KEY_FINGERPRINT}
        database["database_metadata"].insert_one({"_id": METADATA_ID, **metadata})
        database["leases"].insert_one(LEASE)
        database["rate_limits"].insert_one(
            {"_id": "network:a hash", "available_at": NOW, "expires_at": NOW + timedelta(days=1)}
        )
        yield database


async def test_it_is_not_changed_while_a_lease_of_an_earlier_version_is_held(
    mongo_database: str, earlier: Database[dict[str, Any]]
) -> None:
    just_before = NOW - timedelta(seconds=1)
    with pytest.raises(ConfigurationError, match=r"stop all instances .* after 2026-05-01"):
        await check_unused(mongo_database, OLD, just_before)
    with pytest.raises(ConfigurationError, match=r"stop all instances .* after 2026-05-01"):
        await change_index_key(mongo_database, OLD, NEW, just_before)

    await check_unused(mongo_database, OLD, NOW)
    assert "instance_leases" not in earlier.list_collection_names()


async def test_all_hashes_of_an_earlier_version_are_deleted(
    mongo_database: str, earlier: Database[dict[str, Any]]
) -> None:
    assert await change_index_key(mongo_database, OLD, NEW, NOW) == 0

    assert earlier["rate_limits"].find_one() is None
    async with open_mongo_repositories(mongo_database, NEW):
        pass

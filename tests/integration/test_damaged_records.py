"""Damage that only one of the databases may have; the contract suites have what all may have."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import bson
import pytest
from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from application.ports.errors import CorruptRecord
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from tests.support.builders import an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption

OTHER: Final = an_identity(id=an_id(2))


@pytest.fixture
async def in_mongo(emptied_mongo_database: str) -> AsyncIterator[Repositories]:
    async with open_mongo_repositories(emptied_mongo_database, FakePhoneEncryption()) as opened:
        yield opened


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": "a secret"},
        {"created_at": bson.DatetimeMS(2**62)},  # Later than any date of Python.
        {"schema_version": 0},
        {"version": "1"},
    ],
    ids=str,
)
async def test_a_damaged_document_affects_no_other_reader_of_its_batch(
    in_mongo: Repositories, emptied_mongo_database: str, changes: dict[str, Any]
) -> None:
    await in_mongo.identities.add(an_identity())
    await in_mongo.identities.add(OTHER)
    with MongoClient[dict[str, Any]](emptied_mongo_database) as client:
        identities = client.get_default_database()["identities"]
        identities.update_one({"_id": an_id()}, {"$set": changes})

    damaged, found = await asyncio.gather(
        *map(in_mongo.identities.load, (an_id(), an_id(2))), return_exceptions=True
    )

    assert isinstance(damaged, CorruptRecord)
    assert "secret" not in str(damaged)
    assert found == Versioned(OTHER, 1)

"""The indexes that a start creates, and the fields that the classes for them name."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from beanie import Document
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import open_mongo_repositories
from adapters.mongo.documents import (
    DOCUMENTS,
    CallDocument,
    DeliveryReportDocument,
    IdempotencyKeyDocument,
    IdentityDocument,
    LeaseDocument,
    MediaItemDocument,
    MediaUsageDocument,
    PhoneVerificationDocument,
    RateLimitDocument,
)
from adapters.mongo.metadata import SCHEMA_VERSION
from adapters.records.calls import CallRecord
from adapters.records.delivery_reports import DeliveryReportRecord
from adapters.records.idempotency_keys import IdempotencyKeyRecord
from adapters.records.identities import IdentityRecord
from adapters.records.media_items import MediaItemRecord
from adapters.records.media_usages import MediaUsageRecord
from adapters.records.phone_verifications import PhoneVerificationRecord
from adapters.records.rate_limits import RateLimitRecord, ReservationRecord
from application.ports.errors import ConfigurationError
from tests.support.fakes.phone_encryption import FakePhoneEncryption

Mongo = Database[dict[str, Any]]

DECLARED = {
    (document.Settings.name, index.document["name"])
    for document in DOCUMENTS
    for index in document.Settings.indexes
}
RECORDS: dict[type[Document], tuple[type[msgspec.Struct], ...]] = {
    PhoneVerificationDocument: (PhoneVerificationRecord,),
    IdentityDocument: (IdentityRecord,),
    MediaItemDocument: (MediaItemRecord,),
    MediaUsageDocument: (MediaUsageRecord,),
    IdempotencyKeyDocument: (IdempotencyKeyRecord,),
    CallDocument: (CallRecord,),
    DeliveryReportDocument: (DeliveryReportRecord,),
    RateLimitDocument: (RateLimitRecord, ReservationRecord),
}
QUERIED: dict[type[Document], set[str]] = {
    PhoneVerificationDocument: {"encrypted_phone"},
    IdentityDocument: {"encrypted_phone"},
    MediaItemDocument: {"deletion_requested_at"},
    RateLimitDocument: {"total", "oldest", "newest"},
    LeaseDocument: {"expires_at"},
}
"""What only queries name: jobs for operators, ranges of other indexes, rate limits, a lease."""


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


async def start(url: str) -> None:
    async with open_mongo_repositories(url, FakePhoneEncryption()):
        pass


def indexes(database: Mongo) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (collection, name): dict(spec)
        for collection in database.list_collection_names()
        for name, spec in database[collection].index_information().items()
        if name != "_id_"
    }


async def test_a_new_database_gets_the_declared_indexes_and_the_next_start_changes_none(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="adapters.mongo")

    await start(mongo_database)
    before = indexes(database)
    await start(mongo_database)

    assert before.keys() == DECLARED
    assert sum(collection == "media_items" for collection, _ in before) <= 6
    assert indexes(database) == before
    assert [record.msg for record in caplog.records] == [
        {"event": "database_created", "schema_version": SCHEMA_VERSION}
    ]


async def test_a_missing_index_is_created_again_and_an_unknown_one_stays(
    mongo_database: str, database: Mongo
) -> None:
    await start(mongo_database)
    database["media_items"].drop_index("media_items_owner_id")
    database["identities"].create_index("role", name="by_role")

    await start(mongo_database)

    assert indexes(database).keys() == {*DECLARED, ("identities", "by_role")}


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ({"username_key": -1}, {"unique": True}),
        ({"username_key": 1, "role": 1}, {"unique": True}),
        ({"username_key": 1}, {"unique": True}),
        (
            {"username_key": 1},
            {"unique": False, "partialFilterExpression": {"username_key": {"$exists": True}}},
        ),
        (
            {"username_key": 1},
            {
                "unique": True,
                "partialFilterExpression": {"username_key": {"$exists": True}},
                "name": "another_name",
            },
        ),
    ],
    ids=["order", "keys", "filter", "unique", "name"],
)
async def test_an_index_that_differs_is_an_error_and_not_changed(
    mongo_database: str, database: Mongo, keys: dict[str, int], options: dict[str, Any]
) -> None:
    await start(mongo_database)
    database["identities"].drop_index("identities_username_key")
    index = {"name": "identities_username_key", **options}
    database["identities"].create_index(list(keys.items()), **index)
    before = indexes(database)

    with pytest.raises(ConfigurationError, match="has an index that differs") as raised:
        await start(mongo_database)

    assert re.search(r"docs/operating\.md, drop the one that differs", str(raised.value))
    assert indexes(database) == before


def test_a_document_declares_the_fields_that_its_indexes_and_queries_name() -> None:
    for document in DOCUMENTS:
        indexes = [index.document for index in document.Settings.indexes]
        indexed = {key for index in indexes for key in index["key"]}
        indexed |= {key for index in indexes for key in index.get("partialFilterExpression", {})}
        declared = document.model_fields.keys() - {"id", "revision_id"}

        assert declared == (indexed - {"_id"}) | QUERIED.get(document, set()), document
        if document in RECORDS:
            structs = [msgspec.structs.fields(record) for record in RECORDS[document]]
            assert declared <= {field.encode_name for fields in structs for field in fields}

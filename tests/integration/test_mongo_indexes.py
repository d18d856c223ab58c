"""The indexes that a start creates, beside those of earlier versions."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo.documents import ALL_KINDS
from adapters.mongo.metadata import METADATA_ID, SCHEMA_VERSION
from application.ports.errors import ConfigurationError
from tests.integration.mongo_support import KEY_FINGERPRINT, StandaloneMongo
from tests.support.repositories import open_mongo_repositories

Mongo = Database[dict[str, Any]]

DECLARED: Final = {(kind.name, index.name) for kind in ALL_KINDS for index in kind.indexes}


def only_with(*fields: str, **values: str) -> dict[str, Any]:
    """The option of an index of the documents that have these fields, and these values."""
    return {"partialFilterExpression": {**{name: {"$exists": True} for name in fields}, **values}}


EARLIER: Final[dict[str, dict[str, tuple[tuple[str, ...], dict[str, Any]]]]] = {
    "phone_verifications": {
        "phone_verifications_expires_at": (("expires_at",), only_with("expires_at")),
        "phone_verifications_client_ips_expire_at": (
            ("client_ips_expire_at",),
            only_with("client_ips_expire_at"),
        ),
    },
    "identities": {
        "identities_username_key": (
            ("username_key",),
            {"unique": True, **only_with("username_key")},
        ),
        "identities_purged_at": (("purged_at", "deleted_at"), only_with("deleted_at")),
        "identities_deleted_at": (("deleted_at",), only_with("deleted_at", "username_key")),
        "identities_expires_at": (("expires_at",), only_with("expires_at")),
    },
    "media_items": {
        "media_items_cleanup_at": (("state", "cleanup_at"), only_with("cleanup_at")),
        "media_items_kind": (("state", "kind", "created_at", "_id"), only_with(state="ready")),
        "media_items_category": (
            ("state", "category", "kind", "created_at", "_id"),
            only_with("category", state="ready"),
        ),
        "media_items_owner_id": (("owner_id", "state", "kind", "created_at", "_id"), {}),
        "media_items_owner_id_category": (
            ("state", "owner_id", "category", "kind", "created_at", "_id"),
            only_with("category", state="ready"),
        ),
    },
    "media_usages": {"media_usages_recount_at": (("recount_at",), only_with("recount_at"))},
    "idempotency_keys": {"idempotency_keys_expires_at": (("expires_at",), {})},
    "calls": {
        "calls_started_at": (("started_at", "_id"), {}),
        "calls_identity_id": (("identity_id", "started_at", "_id"), only_with("identity_id")),
        "calls_oldest_recording_at": (
            ("oldest_recording_at",),
            only_with("oldest_recording_at"),
        ),
        "calls_unfinished_since": (("unfinished_since",), only_with("unfinished_since")),
    },
    "delivery_reports": {"delivery_reports_expires_at": (("expires_at",), {})},
    "rate_limits": {
        "rate_limits_expires_at": (("expires_at",), only_with("available_at")),
        "rate_limits_reservations_expires_at": (("expires_at", "_id"), only_with("acquired")),
    },
}
"""The indexes of the version that kept each repository by itself: fields and options by names."""


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


async def start(url: str) -> None:
    async with open_mongo_repositories(url):
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
    assert indexes(database) == before
    assert [record.msg for record in caplog.records] == [
        {"event": "database_created", "schema_version": SCHEMA_VERSION}
    ]


async def test_a_database_of_an_earlier_version_keeps_its_indexes_and_none_is_built_again(
    mongo_database: str, database: Mongo
) -> None:
    metadata = {"schema_version": SCHEMA_VERSION, "key_fingerprint": KEY_FINGERPRINT}
    database["database_metadata"].insert_one({"_id": METADATA_ID, **metadata})
    for collection, declared in EARLIER.items():
        for name, (fields, options) in declared.items():
            database[collection].create_index([(one, 1) for one in fields], name=name, **options)
    before = indexes(database)

    await start(mongo_database)

    after = indexes(database)
    assert {key: after.get(key) for key in before} == before
    new = {collection for collection, _ in after.keys() - before.keys()}
    assert new == {
        "identities",
        "media_items",
        "unchallenged_attempts",
        "used_attestations",
        "instance_leases",
        "instances",
        "limits",
        "audit_entries",
        "service_tokens",
        "daily_costs",
        "hourly_counts",
        "console_sessions",
        "phone_assignments",
    }
    assert after.keys() - before.keys() <= DECLARED
    only_earlier = {collection for collection, _ in before.keys() - DECLARED}
    assert only_earlier == {"media_items", "rate_limits"}


async def test_a_missing_index_is_created_again_and_an_unknown_one_stays(
    mongo_database: str, database: Mongo
) -> None:
    await start(mongo_database)
    database["media_items"].drop_index("media_items_page_owner_id")
    database["identities"].create_index("role", name="by_role")

    await start(mongo_database)

    assert indexes(database).keys() == {*DECLARED, ("identities", "by_role")}


async def test_a_refused_index_is_named_with_what_the_server_lacks(tmp_path: Path) -> None:
    with StandaloneMongo(tmp_path, "--setParameter=enableTestCommands=1") as process:
        url = process.database_url("dialtone")
        with MongoClient[dict[str, Any]](url) as client:
            client.admin.command(
                "configureFailPoint",
                "failCommand",
                mode="alwaysOn",
                data={"failCommands": ["createIndexes"], "errorCode": 67},
            )
        with pytest.raises(ConfigurationError) as error:
            async with open_mongo_repositories(url):
                pytest.fail("it was opened")
    assert str(error.value).startswith(
        f"{process.address}/dialtone refuses the index phone_verifications_expires_at of "
        "phone_verifications (expires_at) (OperationFailure 67): Dialtone needs a server with "
        "partial indexes."
    )


async def test_a_connection_that_closes_during_the_opening_is_not_a_question_of_tls(
    tmp_path: Path,
) -> None:
    with StandaloneMongo(tmp_path, "--setParameter=enableTestCommands=1") as process:
        url = process.database_url("dialtone", "?directConnection=true&timeoutMS=3000")
        with MongoClient[dict[str, Any]](url) as client:
            client.admin.command(
                "configureFailPoint",
                "failCommand",
                mode="alwaysOn",
                data={"failCommands": ["createIndexes"], "closeConnection": True},
            )
        with pytest.raises(ConfigurationError) as error:
            async with open_mongo_repositories(url):
                pytest.fail("it was opened")
    assert "TLS" not in str(error.value)


async def test_an_index_that_differs_is_an_error_and_not_changed(
    mongo_database: str, database: Mongo
) -> None:
    of_names = only_with("username_key")
    await start(mongo_database)
    name = "identities_username_key"
    for keys, options in (
        ({"username_key": -1}, {"unique": True}),
        ({"username_key": 1, "role": 1}, {"unique": True}),
        ({"username_key": 1}, {"unique": True}),
        ({"username_key": 1}, {"unique": False, **of_names}),
        ({"username_key": 1}, {"unique": True, "name": "another_name", **of_names}),
    ):
        database["identities"].drop_index(name)
        index = {"name": "identities_username_key", **options}
        name = database["identities"].create_index(list(keys.items()), **index)
        before = indexes(database)

        with pytest.raises(ConfigurationError, match="has an index that differs") as raised:
            await start(mongo_database)

        assert re.search(r"docs/databases\.md, drop the one that differs", str(raised.value))
        assert indexes(database) == before, options

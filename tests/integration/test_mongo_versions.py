"""Several versions on one database: unknown fields survive, and old records are upgraded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo.documents import (
    IdentityDocument,
    MediaItemDocument,
    PhoneVerificationDocument,
)
from adapters.mongo.documents.identities import SessionFields
from adapters.mongo.driver import RawDocument
from adapters.mongo.mapping import Mappings
from adapters.mongo.mapping.identities import IdentityFields
from adapters.mongo.mapping.media_items import decode_media_item, encode_media_item
from adapters.mongo.mapping.phone_verifications import (
    count_on_request_ids,
    decode_phone_verification,
    encode_phone_verification,
    hash_client_ips,
)
from adapters.mongo.record_mapping import RecordMapping
from application.ports.errors import CorruptRecord
from application.ports.repositories import Repositories
from application.ports.versioned import RecordVersion, Versioned
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from tests.integration.mongo_support import (
    IDENTITY,
    ITEM,
    PHONE,
    VERIFICATION,
    open_with_mappings,
)
from tests.support.builders import (
    NOW,
    a_deleted_identity,
    a_delivery_report,
    a_session,
    a_user,
    an_id,
    an_identity,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_call import FULL_CALL

MINUTE: Final = timedelta(minutes=1)
ENCRYPTION: Final = FakePhoneEncryption()
MAPPINGS: Final = Mappings.of(ENCRYPTION)


@pytest.fixture
def database(mongo_database: str) -> Iterator[Database[RawDocument]]:
    with MongoClient[RawDocument](mongo_database) as client:
        yield client.get_default_database(codec_options=CodecOptions(tz_aware=True))


def with_unknown_fields(stored: Any, path: str = "") -> Any:
    """Add an unknown field to a document and to every object inside it."""
    if isinstance(stored, list):
        return [with_unknown_fields(item, f"{path}[{n}]") for n, item in enumerate(stored)]
    if isinstance(stored, dict):
        known = {name: with_unknown_fields(stored[name], f"{path}.{name}") for name in stored}
        return {**known, "unknown": {"path": path}}
    return stored


AGGREGATES = pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (MAPPINGS.phone_verifications, VERIFICATION),
        (MAPPINGS.identities, replace(IDENTITY, phone=None)),
        (MAPPINGS.media_items, ITEM),
        (MAPPINGS.calls, FULL_CALL),
        (MAPPINGS.delivery_reports, a_delivery_report(visible_at=NOW)),
    ],
    ids=["phone_verification", "identity", "media_item", "call", "delivery_report"],
)


@AGGREGATES
def test_unknown_fields_of_all_objects_survive_a_replacement(
    mapping: RecordMapping[Any], value: Any
) -> None:
    document = {"_id": an_id(), **mapping.encode(value, 1)}
    newer = with_unknown_fields(document)

    loaded = mapping.decode(newer)

    assert loaded == Versioned(value, 1)
    successor = {"_id": an_id(), **mapping.encode_successor(loaded.value, loaded.version)}
    assert successor == {**newer, "version": 2}


@AGGREGATES
def test_a_record_without_unknown_fields_has_a_version_without_them(
    mapping: RecordMapping[Any], value: Any
) -> None:
    loaded = mapping.decode({"_id": an_id(), **mapping.encode(value, 1)})

    assert isinstance(loaded.version, RecordVersion)
    assert loaded.version.unknown_fields == {}


def stored_identity(identity: Identity, version: int) -> RawDocument:
    return MAPPINGS.identities.encode_successor(identity, version)


def test_unknown_fields_of_list_items_follow_the_id_of_the_item() -> None:
    loaded = MAPPINGS.identities.decode(
        with_unknown_fields(MAPPINGS.identities.encode(IDENTITY, 1))
    )
    first, second = IDENTITY.sessions
    added = a_session(id=an_id(3))

    reordered = stored_identity(replace(IDENTITY, sessions=(added, second, first)), loaded.version)
    shortened = stored_identity(replace(IDENTITY, sessions=(second,)), loaded.version)

    assert [session.get("unknown") for session in reordered["sessions"]] == [
        None,
        {"path": ".sessions[1]"},
        {"path": ".sessions[0]"},
    ]
    assert reordered["sessions"][2]["refresh_tokens"]["unknown"] == {
        "path": ".sessions[0].refresh_tokens"
    }
    assert [session.get("unknown") for session in shortened["sessions"]] == [
        {"path": ".sessions[1]"}
    ]


def test_unknown_fields_of_items_without_an_id_follow_equal_items() -> None:
    mapping = MAPPINGS.phone_verifications
    first, second = TrustedIp("1", NOW), TrustedIp("2", NOW)
    verification = PhoneVerification(trusted_ips=(first, first, second))
    loaded = mapping.decode({"_id": "", **with_unknown_fields(mapping.encode(verification, 1))})
    changed = PhoneVerification(trusted_ips=(second, TrustedIp("3", NOW), first, first))

    stored = mapping.encode_successor(changed, loaded.version)

    assert [ip.get("unknown", {}).get("path") for ip in stored["trusted_ips"]] == [
        ".trusted_ips[2]",
        None,
        ".trusted_ips[0]",
        ".trusted_ips[1]",
    ]


def test_unknown_fields_of_a_removed_object_go_with_it() -> None:
    loaded = MAPPINGS.identities.decode(
        with_unknown_fields(MAPPINGS.identities.encode(IDENTITY, 1))
    )

    stored = stored_identity(replace(IDENTITY, user=None, sessions=()), loaded.version)

    assert "user" not in stored
    assert stored["sessions"] == []
    assert stored["unknown"] == {"path": ""}


def test_a_known_field_that_was_removed_does_not_come_back() -> None:
    document = with_unknown_fields(MAPPINGS.identities.encode(replace(IDENTITY, blocked_at=NOW), 1))
    loaded = MAPPINGS.identities.decode(document)

    stored = stored_identity(loaded.value.unblock(), loaded.version)

    assert "blocked_at" not in stored


# An older and a newer instance on one database.


class NewerSession(SessionFields):
    """A session as a newer version stores it."""

    location: str | None = None


class NewerIdentity(IdentityDocument):
    """An identity as a newer version stores it."""

    sessions: list[NewerSession]  # type: ignore[assignment]  # a list of a narrower type
    suspended_at: datetime | None = None


class NewerVerification(PhoneVerificationDocument):
    """A phone verification as a newer version stores it."""

    suspended_at: datetime | None = None


class NewerItem(MediaItemDocument):
    """A library item as a newer version stores it."""

    title: str | None = None


def newer_mappings(upgrades: int) -> Mappings:
    """Today's mappings with additional fields, and with so many more schema versions."""
    fields = IdentityFields(ENCRYPTION)

    def encode_identity(identity: Identity) -> RawDocument:
        stored = fields.encode(identity)
        for session in stored["sessions"]:
            session["location"] = f"location of {session['id']}"
        return {**stored, "suspended_at": NOW}

    unchanged: Callable[[RawDocument], RawDocument] = dict
    schema = [unchanged] * upgrades
    return Mappings(
        phone_verifications=RecordMapping(
            NewerVerification,
            decode_phone_verification,
            lambda record: {**encode_phone_verification(record), "suspended_at": NOW},
            [partial(hash_client_ips, ENCRYPTION), count_on_request_ids, *schema],
        ),
        identities=RecordMapping(NewerIdentity, fields.decode, encode_identity, schema),
        media_items=RecordMapping(
            NewerItem,
            decode_media_item,
            lambda item: {**encode_media_item(item), "title": "My wheels"},
            schema,
        ),
        calls=MAPPINGS.calls,
        delivery_reports=MAPPINGS.delivery_reports,
    )


@pytest.fixture(params=[0, 1], ids=["same_schema_version", "newer_schema_version"])
async def instances(
    request: pytest.FixtureRequest, mongo_database: str
) -> AsyncIterator[tuple[Repositories, Repositories, int]]:
    """Repositories of today and of a newer version, and the schema version of the latter."""
    newer = newer_mappings(request.param)
    async with open_with_mappings(mongo_database, MAPPINGS, newer) as [
        today_records,
        newer_records,
    ]:
        yield today_records, newer_records, 1 + request.param


async def test_two_versions_write_an_identity_in_turns_and_lose_nothing(
    instances: tuple[Repositories, Repositories, int], database: Database[RawDocument]
) -> None:
    today, newer, schema_version = instances
    first, second = a_session(), a_session(id=an_id(2))

    await newer.identities.add(an_identity(sessions=(first,)))
    loaded = await today.identities.load(an_id())
    assert loaded is not None
    assert await today.identities.replace(loaded.value.add_session(second), loaded.version)

    stored = database["identities"].find_one() or {}
    assert stored["schema_version"] == schema_version
    assert stored["suspended_at"] == NOW
    assert [session.get("location") for session in stored["sessions"]] == [
        f"location of {an_id()}",
        None,
    ]

    loaded = await newer.identities.load(an_id())
    assert loaded == Versioned(an_identity(sessions=(first, second), last_used_at=NOW), 2)
    assert await newer.identities.replace(loaded.value, loaded.version)
    loaded = await today.identities.load(an_id())
    assert loaded is not None
    assert await today.identities.replace(loaded.value.revoke_session(first.id), loaded.version)

    stored = database["identities"].find_one() or {}
    assert stored["version"] == 4
    assert stored["suspended_at"] == NOW
    assert [session["location"] for session in stored["sessions"]] == [f"location of {an_id(2)}"]


async def test_an_older_version_keeps_a_block_that_it_does_not_know(
    instances: tuple[Repositories, Repositories, int], database: Database[RawDocument]
) -> None:
    today, newer, schema_version = instances
    await newer.phone_verifications.replace(PHONE, VERIFICATION, 0)

    loaded = await today.phone_verifications.load(PHONE)
    assert await today.phone_verifications.replace(
        PHONE, loaded.value.assign_identity(an_id()), loaded.version
    )

    stored = database["phone_verifications"].find_one() or {}
    assert stored["suspended_at"] == NOW
    assert stored["schema_version"] == schema_version + 2  # phone verifications are two ahead
    assert (await newer.phone_verifications.load(PHONE)).value == VERIFICATION.assign_identity(
        an_id()
    )


async def test_records_from_lists_keep_unknown_fields(
    instances: tuple[Repositories, Repositories, int], database: Database[RawDocument]
) -> None:
    today, newer, schema_version = instances
    await newer.identities.add(a_deleted_identity(user=a_user()))
    await newer.media_items.add(ITEM)

    [identity] = await today.deleted_identities.list_unpurged(10)
    assert await today.identities.replace(identity.value.purge(NOW), identity.version)
    [identity] = await today.deleted_identities.list_with_username(NOW, 10)
    assert await today.identities.replace(identity.value.release_username(), identity.version)
    [item] = await today.media_cleanup.list_owned_by(ITEM.owner_id, 10)
    assert await today.media_items.replace(item.value.mark_for_deletion(NOW), item.version)
    [item] = await today.media_cleanup.list_deleting(NOW, 10)
    assert await today.media_items.replace(item.value.categorize("boats"), item.version)

    stored = database["identities"].find_one() or {}
    assert (stored["suspended_at"], stored["schema_version"]) == (NOW, schema_version)
    stored = database["media_items"].find_one() or {}
    assert (stored["title"], stored["schema_version"]) == ("My wheels", schema_version)
    assert stored["category"] == "boats"


# Upgrades.


def rename_name(document: RawDocument) -> RawDocument:
    """Schema version 2: the username has the name that it has today."""
    if user := document.get("user"):
        user["username"] = user.pop("name")
    return document


def add_devices(document: RawDocument) -> RawDocument:
    """Schema version 3: every session has a device."""
    for session in document["sessions"]:
        session["device"] = session.get("device") or "unknown"
    return document


@pytest.fixture
async def upgrading(mongo_database: str) -> AsyncIterator[Repositories]:
    """Repositories whose identities have schema version 3."""
    fields = IdentityFields(ENCRYPTION)
    mapping = RecordMapping(
        IdentityDocument, fields.decode, fields.encode, [rename_name, add_devices]
    )
    mappings = replace(MAPPINGS, identities=mapping)
    async with open_with_mappings(mongo_database, mappings) as [repositories]:
        yield repositories


def old_document(identity: Identity, schema_version: int) -> RawDocument:
    document = {
        **MAPPINGS.identities.encode(identity, 1),
        "schema_version": schema_version,
        "unknown": 1,
    }
    if schema_version == 1 and "user" in document:
        document["user"]["name"] = document["user"].pop("username")
    return document


OLD: Final = an_identity(user=a_user(), sessions=(a_session(),))
UPGRADED: Final = replace(OLD, sessions=(a_session(device="unknown"),))


@pytest.mark.parametrize("schema_version", [1, 2])
async def test_an_old_record_is_upgraded_when_it_is_read(
    upgrading: Repositories, database: Database[RawDocument], schema_version: int
) -> None:
    document = old_document(OLD, schema_version)
    database["identities"].insert_one(document)

    # Concurrent reads share the document.
    loaded = await asyncio.gather(*(upgrading.identities.load(OLD.id) for _ in range(3)))

    assert loaded == [Versioned(UPGRADED, 1)] * 3
    assert await upgrading.identities.find_by_username(a_user().username) == Versioned(UPGRADED, 1)
    assert database["identities"].find_one() == document


@pytest.mark.parametrize("schema_version", [1, 2])
async def test_an_old_record_is_stored_in_the_new_form_at_its_next_save(
    upgrading: Repositories, database: Database[RawDocument], schema_version: int
) -> None:
    database["identities"].insert_one(old_document(OLD, schema_version))
    loaded = await upgrading.identities.load(OLD.id)
    assert loaded is not None

    assert await upgrading.identities.replace(loaded.value, loaded.version)

    stored = database["identities"].find_one() or {}
    assert stored["schema_version"] == 3
    assert stored["user"] == {"username": "Rahul Sharma", "created_at": NOW}
    assert stored["sessions"][0]["device"] == "unknown"
    assert stored["unknown"] == 1


async def test_old_records_in_lists_are_upgraded(
    upgrading: Repositories, database: Database[RawDocument]
) -> None:
    deleted = a_deleted_identity(user=a_user())
    database["identities"].insert_one(old_document(deleted, 1))

    assert await upgrading.deleted_identities.list_unpurged(10) == [Versioned(deleted, 1)]
    assert await upgrading.deleted_identities.list_with_username(NOW, 10) == [Versioned(deleted, 1)]


async def test_a_new_record_has_the_latest_schema_version(
    upgrading: Repositories, database: Database[RawDocument]
) -> None:
    await upgrading.identities.add(OLD)

    stored = database["identities"].find_one() or {}
    assert stored["schema_version"] == 3


async def test_a_damaged_old_record_is_corrupt(
    upgrading: Repositories, database: Database[RawDocument]
) -> None:
    database["identities"].insert_one({**old_document(OLD, 1), "user": {"nothing": 1}})

    with pytest.raises(CorruptRecord):
        await upgrading.identities.load(OLD.id)

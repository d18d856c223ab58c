"""The stored schema: names, secrecy, and damaged records."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import ANY

import bson
import pytest
from bson import json_util
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import open_mongo_repositories
from adapters.mongo.documents import DOCUMENTS, DatabaseMetadataDocument, PhoneVerificationDocument
from adapters.mongo.driver import RawDocument
from adapters.mongo.mapping import Mappings
from application.ports.errors import CorruptRecord, PortError, StorageUnavailable
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.voice.call import Turn
from domain.voice.instructions import HangUp, SayCode, Voice
from tests.integration.mongo_support import IDENTITY, ITEM, PHONE, VERIFICATION
from tests.support.builders import (
    NOW,
    a_challenge,
    a_deleted_identity,
    a_delivery_report,
    a_gif,
    a_hashed_ip,
    a_phone,
    a_phone_verification,
    a_session,
    a_user,
    an_id,
    an_item,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_call import FULL_CALL, MENU

Mongo = Database[RawDocument]

MINUTE: Final = timedelta(minutes=1)
ENCRYPTION: Final = FakePhoneEncryption()
SCHEMA_VERSIONS: Final = {DatabaseMetadataDocument: 2, PhoneVerificationDocument: 3}
DELETED: Final = a_deleted_identity(id=an_id(2), user=a_user("Zoë"))


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    """The database of the test, as a copy of it looks."""
    with MongoClient[RawDocument](mongo_database) as client:
        yield client.get_default_database(codec_options=CodecOptions(tz_aware=True))


@pytest.fixture
async def repositories(mongo_database: str) -> AsyncIterator[Repositories]:
    async with open_mongo_repositories(mongo_database, ENCRYPTION) as repositories:
        yield repositories


async def add_everything(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(PHONE, VERIFICATION, 0)
    loaded = await repositories.phone_verifications.load(PHONE)
    await repositories.phone_verifications.replace(
        PHONE, loaded.value.assign_identity(an_id()), loaded.version
    )
    await repositories.phone_verifications.replace(a_phone(2), a_phone_verification().block(NOW), 0)
    await repositories.identities.add(IDENTITY)
    await repositories.identities.replace(IDENTITY, 1)
    await repositories.identities.add(DELETED.purge(NOW))
    await repositories.media_items.add(ITEM)
    await repositories.media_items.add(an_item(id=an_id(2), state=ItemState.PENDING))
    await repositories.media_items.add(a_gif(id=an_id(3)).mark_for_deletion(NOW))
    await repositories.calls.add(FULL_CALL)
    await repositories.delivery_reports.add(a_delivery_report())
    await repositories.rate_limiter.acquire(
        Reservation("1", NOW, (RateLimit("total", SlidingWindow(3, 60 * MINUTE)),))
    )
    await repositories.leases.acquire("cleanup", NOW, NOW + 60 * MINUTE)
    await repositories.health.check()


def all_documents(database: Mongo) -> dict[str, list[RawDocument]]:
    return {name: list(database[name].find()) for name in database.list_collection_names()}


# Names and secrecy.

CODE: Final = a_challenge().derive_code(b"a pepper", PHONE)
SECRETS: Final = {
    "the number": PHONE.e164,
    "its digits": PHONE.e164.removeprefix("+"),
    "its national digits": PHONE.e164.removeprefix("+1"),
    "the code": CODE,
}


def find_secrets(documents: Mapping[str, list[RawDocument]]) -> list[str]:
    """Return the secrets in the documents, as bytes and as a shell prints them."""
    printed = json.dumps(documents, default=json_util.default, ensure_ascii=False)
    content = printed.encode() + b"".join(
        map(bson.encode, itertools.chain.from_iterable(documents.values()))
    )
    assert b"Rahul Sharma" in content
    return [name for name, text in SECRETS.items() if text.encode() in content]


async def test_a_copy_of_the_database_reveals_no_phone_and_no_code(
    repositories: Repositories, database: Mongo
) -> None:
    await add_everything(repositories)

    assert find_secrets(all_documents(database)) == []


@pytest.mark.parametrize("name", SECRETS)
def test_the_search_for_secrets_finds_them(name: str) -> None:
    documents = {"users": [{"name": "Rahul Sharma", "secret": SECRETS[name]}]}

    assert name in find_secrets(documents)


async def test_stored_documents_match_the_declared_fields(
    repositories: Repositories, database: Mongo
) -> None:
    await add_everything(repositories)

    stored = all_documents(database)
    assert stored.keys() == {document.Settings.name for document in DOCUMENTS}
    for document in DOCUMENTS:
        declared = {"_id" if name == "id" else name for name in document.model_fields}
        for raw in stored[document.Settings.name]:
            document.model_validate(raw)
            assert raw.keys() <= declared
            assert raw["schema_version"] == SCHEMA_VERSIONS.get(document, 1)


async def test_a_phone_verification_is_stored_under_these_names(
    repositories: Repositories, database: Mongo
) -> None:
    verification = replace(VERIFICATION, identity_id=an_id(3), blocked_at=NOW)
    await repositories.phone_verifications.replace(PHONE, verification, 0)
    version = (await repositories.phone_verifications.load(PHONE)).version

    challenge = {
        "id": an_id(),
        "purpose": "sign_in",
        "nonce": bytes(range(16)),
        "key_id": "first",
        "created_at": NOW,
        "expires_at": NOW + 5 * MINUTE,
        "used_at": None,
        "login": None,
    }
    delivery = {
        "request_id": "a-request",
        "challenge_id": an_id(),
        "client_ip_hash": a_hashed_ip().ip,
        "network_hash": a_hashed_ip().network,
        "is_ipv6": False,
        "sent_at": NOW,
        "attempt_limit": 5,
        "device_id": "a device",
        "uses_own_quota": True,
        "counters": [
            {
                "kind": "unknown_ip",
                "id": "a hash",
                "limit": 5,
                "used": 3,
                "last_digest": "a digest",
                "last_counted_at": NOW,
            }
        ],
        "channel": "sms",
        "call_id": None,
    }
    assert database["phone_verifications"].find_one() == {
        "_id": ENCRYPTION.blind_index(PHONE),
        "version": version,
        "schema_version": 3,
        "client_ips_expire_at": NOW + 5 * MINUTE,
        "identity_id": an_id(3),
        "blocked_at": NOW,
        "encrypted_phone": ANY,
        "challenges": [
            challenge,
            {
                **challenge,
                "id": an_id(2),
                "used_at": NOW,
                "login": {
                    "identity_id": an_id(),
                    "session_id": an_id(3),
                    "request_id": "a request",
                },
            },
        ],
        "deliveries": [
            delivery,
            {
                **delivery,
                "request_id": "another",
                "device_id": None,
                "uses_own_quota": False,
                "counters": [],
                "channel": "voice",
                "call_id": an_id(4),
            },
        ],
        "shared_attempts": [NOW, NOW + MINUTE],
        "failures": {
            "in_a_row": 4,
            "last_failed_at": NOW,
            "by_device": [{"device_id": "a device", "count": 2, "last_failed_at": NOW}],
        },
        "trusted_ips": [{"client_ip_hash": "another hash", "last_login_at": NOW}],
        "callbacks": [
            {
                "challenge": {**challenge, "id": an_id(8)},
                "requested_at": NOW,
                "call_id": an_id(9),
                "counter": {
                    "kind": "callback",
                    "id": an_id(9),
                    "limit": 5,
                    "used": 0,
                    "last_digest": None,
                    "last_counted_at": None,
                },
            }
        ],
    }


async def test_the_ciphertext_of_an_identity_is_kept_while_its_phone_is_the_same(
    repositories: Repositories, database: Mongo
) -> None:
    await repositories.identities.add(IDENTITY)
    before = database["identities"].find_one() or {}

    for _ in range(2):
        loaded = await repositories.identities.load(IDENTITY.id)
        assert loaded is not None
        changed = loaded.value.add_session(a_session(id=an_id(loaded.version + 7)))
        assert await repositories.identities.replace(changed, loaded.version)

    after = database["identities"].find_one() or {}
    assert after["version"] == before["version"] + 2
    assert after["encrypted_phone"] == before["encrypted_phone"]


async def test_the_phone_of_a_blocked_verification_is_encrypted_once(
    repositories: Repositories, database: Mongo
) -> None:
    await repositories.phone_verifications.replace(PHONE, VERIFICATION.block(NOW), 0)
    first = (database["phone_verifications"].find_one() or {})["encrypted_phone"]
    loaded = await repositories.phone_verifications.load(PHONE)
    await repositories.phone_verifications.replace(
        PHONE, loaded.value.assign_identity(an_id(3)), loaded.version
    )
    await repositories.phone_verifications.prune(NOW + 60 * MINUTE, 10)
    second = (database["phone_verifications"].find_one() or {})["encrypted_phone"]
    loaded = await repositories.phone_verifications.load(PHONE)
    await repositories.phone_verifications.replace(PHONE, loaded.value.unblock(), loaded.version)

    assert first == second
    assert ENCRYPTION.decrypt(first, ENCRYPTION.blind_index(PHONE)) == PHONE
    assert "encrypted_phone" not in (database["phone_verifications"].find_one() or {})


async def test_an_identity_is_stored_under_these_names(
    repositories: Repositories, database: Mongo
) -> None:
    await repositories.identities.add(IDENTITY)

    stored = database["identities"].find_one()
    assert stored is not None
    assert ENCRYPTION.decrypt(stored.pop("encrypted_phone"), an_id()) == PHONE
    session = {"id": an_id(), "created_at": NOW, "expires_at": NOW + timedelta(days=90)}
    assert stored == {
        "_id": an_id(),
        "version": 1,
        "schema_version": 1,
        "username_key": "rahul sharma",
        "created_at": NOW,
        "role": "member",
        "user": {"username": "Rahul Sharma", "created_at": NOW},
        "devices": [
            {"id": "a device", "session_id": an_id(), "expires_at": NOW + timedelta(days=180)}
        ],
        "last_used_at": NOW + 2 * MINUTE,
        "is_verified": False,
        "consent": {"wording": "You agree.", "language": "en-IN", "given_at": NOW},
        "used_challenges": [{"id": an_id(2), "expires_at": NOW + 5 * MINUTE}],
        "sessions": [
            {
                **session,
                "device": "Pixel 8",
                "last_used_at": NOW + MINUTE,
                "refresh_tokens": {
                    "nonce": bytes(range(16)),
                    "generation": 7,
                    "rotated_at": NOW + MINUTE,
                    "is_confirmed": True,
                },
                "idle_expires_at": None,
            },
            {
                **session,
                "id": an_id(2),
                "device": None,
                "last_used_at": None,
                "refresh_tokens": None,
                "idle_expires_at": None,
            },
        ],
    }


async def test_a_deleted_identity_is_stored_under_these_names(
    repositories: Repositories, database: Mongo
) -> None:
    await repositories.identities.add(replace(DELETED, blocked_at=NOW + MINUTE).purge(NOW))

    assert database["identities"].find_one() == {
        "_id": an_id(2),
        "version": 1,
        "schema_version": 1,
        "username_key": "zoë",
        "created_at": NOW,
        "role": "member",
        "user": {"username": "Zoë", "created_at": NOW},
        "sessions": [],
        "deleted_at": NOW,
        "purged_at": NOW,
        "blocked_at": NOW + MINUTE,
    }


async def test_a_media_item_is_stored_under_these_names(
    repositories: Repositories, database: Mongo
) -> None:
    await repositories.media_items.add(ITEM.mark_for_deletion(NOW + MINUTE))

    assert database["media_items"].find_one() == {
        "_id": an_id(),
        "version": 1,
        "schema_version": 1,
        "storage_key": f"{an_id()}.jpg",
        "owner_id": an_id(),
        "kind": "image",
        "image": {"format": "jpeg", "width": 640, "height": 480, "size_bytes": 51_200},
        "category": "wheels",
        "created_at": datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
        "state": "deleting",
        "upload_deadline": datetime(2026, 5, 1, 9, 40, tzinfo=UTC),
        "deletion_requested_at": datetime(2026, 5, 1, 9, 31, tzinfo=UTC),
    }


async def test_a_call_is_stored_under_these_names(
    repositories: Repositories, database: Mongo
) -> None:
    call = replace(
        FULL_CALL,
        turns=(Turn(None, (SayCode(Voice("en-US", "")), HangUp())),),
        are_recordings_due=False,
        recordings=FULL_CALL.recordings[:1],
    )
    await repositories.calls.add(call)

    position = {"node": MENU.node, "visit": 3, "repeat": 2}
    assert database["calls"].find_one() == {
        "_id": an_id(),
        "version": 1,
        "schema_version": 1,
        "provider_call_id": f"CA{1:032x}",
        "direction": "inbound",
        "started_at": NOW,
        "status": "in_progress",
        "ended_at": NOW + 3 * MINUTE,
        "identity_id": an_id(2),
        "is_caller_verified": True,
        "challenge_id": an_id(3),
        "report_id": "1f" * 16,
        "locale": "hi-IN",
        "path": ["greeting", "menu", "menu"],
        "outcome": "recorded",
        "position": position,
        "turns": [
            {
                "position": None,
                "instructions": [
                    {"kind": "say_code", "voice": {"language": "en-US", "name": ""}},
                    {"kind": "hang_up"},
                ],
            }
        ],
        "pending_effect": {
            "position": position,
            "effect": {"kind": "register", "consent": "You agree.", "language": "en-IN"},
            "started_at": NOW + MINUTE,
        },
        "recordings": [
            {"id": f"RE{1:032x}", "duration_seconds": 7, "recorded_at": NOW + 2 * MINUTE}
        ],
        "are_recordings_due": False,
        "oldest_recording_at": NOW + 2 * MINUTE,
    }


async def test_a_delivery_report_is_stored_under_these_names(
    repositories: Repositories, database: Mongo
) -> None:
    report = a_delivery_report(error_code="30003", visible_at=NOW + MINUTE)
    await repositories.delivery_reports.add(report)

    assert database["delivery_reports"].find_one() == {
        "_id": report.id,
        "version": 1,
        "schema_version": 1,
        "status": "sent",
        "expires_at": NOW + timedelta(days=1),
        "error_code": "30003",
        "visible_at": NOW + MINUTE,
    }


# Damage.


def damage(database: Mongo, collection: str, changes: Mapping[str, Any]) -> None:
    """Change the only document of a collection as no version of this program would."""
    assert database[collection].update_one({}, changes).modified_count == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"$unset": {"version": 1}},
        {"$set": {"version": "1"}},
        {"$unset": {"schema_version": 1}},
        {"$set": {"schema_version": 0}},
        {"$set": {"schema_version": "1"}},
        {"$unset": {"created_at": 1}},
        {"$set": {"created_at": "2026-05-01"}},
        {"$set": {"role": "owner"}},
        {"$set": {"user": "Rahul Sharma"}},
        {"$set": {"sessions": "none"}},
        {"$set": {"sessions": ["none"]}},
        {"$unset": {"sessions.0.expires_at": 1}},
        {"$set": {"sessions.0.refresh_tokens.generation": "7"}},
    ],
)
async def test_a_damaged_record_is_corrupt_and_the_error_quotes_nothing(
    repositories: Repositories, database: Mongo, changes: Mapping[str, Any]
) -> None:
    await repositories.identities.add(IDENTITY)
    damage(database, "identities", changes)

    with pytest.raises(CorruptRecord) as raised:
        await repositories.identities.load(IDENTITY.id)

    assert not isinstance(raised.value, StorageUnavailable)
    assert str(raised.value) == "a stored record cannot be read"
    assert raised.value.__cause__ is None


async def test_every_repository_reports_corrupt_records(
    repositories: Repositories, database: Mongo
) -> None:
    await repositories.phone_verifications.replace(PHONE, VERIFICATION, 0)
    await repositories.identities.add(DELETED)
    await repositories.media_items.add(ITEM)
    await repositories.calls.add(FULL_CALL)
    await repositories.delivery_reports.add(a_delivery_report())
    damage(database, "calls", {"$set": {"turns.0.instructions.0.kind": "sing"}})
    damage(database, "delivery_reports", {"$set": {"status": "lost"}})
    damage(database, "phone_verifications", {"$set": {"challenges.0.nonce": "text"}})
    damage(database, "identities", {"$set": {"user.created_at": 1}})
    damage(database, "media_items", {"$set": {"image.format": "bmp"}})

    for call in (
        repositories.phone_verifications.load(PHONE),
        repositories.identities.find_by_username(a_user("Zoë").username),
        repositories.deleted_identities.list_unpurged(10),
        repositories.deleted_identities.list_with_username(NOW, 10),
        repositories.media_items.load(ITEM.id),
        repositories.media_items.find_by_storage_key(ITEM.storage_key),
        repositories.media_cleanup.list_owned_by(ITEM.owner_id, 10),
        repositories.calls.load(FULL_CALL.id),
        repositories.call_pages.list_after(None, None, 10),
        repositories.call_cleanup.list_started(NOW, 10),
        repositories.delivery_reports.load(a_delivery_report().id),
    ):
        with pytest.raises(CorruptRecord):
            await call


@pytest.mark.parametrize(
    "changes",
    [
        {"$set": {"sessions": "none"}},
        {"$set": {"created_at": bson.DatetimeMS(2**62)}},  # later than any date of Python
    ],
)
async def test_a_corrupt_record_affects_no_other_reader_of_its_batch(
    repositories: Repositories, database: Mongo, changes: Mapping[str, Any]
) -> None:
    await repositories.identities.add(IDENTITY)
    damage(database, "identities", changes)
    await repositories.identities.add(DELETED)

    corrupt, found = await asyncio.gather(
        repositories.identities.load(IDENTITY.id),
        repositories.identities.load(DELETED.id),
        return_exceptions=True,
    )

    assert isinstance(corrupt, CorruptRecord)
    assert found == Versioned(DELETED, 1)


class UnavailableKey(FakePhoneEncryption):
    """A phone encryption without the key of what is stored."""

    def decrypt(self, ciphertext: bytes, record_id: str) -> Any:
        raise PortError("encrypted with a key that is not available")


def test_the_error_of_the_phone_encryption_propagates() -> None:
    document = Mappings.of(ENCRYPTION).identities.encode(IDENTITY, 1)

    with pytest.raises(PortError, match="a key that is not available"):
        Mappings.of(UnavailableKey()).identities.decode(document)

"""Stored records: older and newer versions share a database, and damaged records are reported."""

import base64
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import asdict

from adapters.sqlite import open_sqlite_repositories
from adapters.sqlite.database import Database, open_database
from adapters.sqlite.health_check import SqliteHealthCheck
from adapters.sqlite.identities import SqliteDeletedIdentities, SqliteIdentities
from adapters.sqlite.mapping import IdentityMapping, MediaItemMapping, PhoneVerificationMapping
from adapters.sqlite.mapping.identities import (
    RoleName,
    StoredIdentity,
    StoredRefreshTokens,
    StoredSession,
    StoredUser,
)
from adapters.sqlite.mapping.media_items import StoredImage, StoredMediaItem
from adapters.sqlite.mapping.phone_verifications import (
    StoredChallenge,
    StoredDelivery,
    StoredFailures,
    StoredPhoneVerification,
    StoredTrustedIp,
)
from adapters.sqlite.media_items import SqliteMediaItems
from adapters.sqlite.phone_verifications import SqlitePhoneVerifications
from adapters.sqlite.record_mapping import StoredFields
from adapters.sqlite.repositories import repositories_of
from application.ports.errors import CorruptRecord, StorageTimeout
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity, Role
from domain.identities.session import RefreshTokenFamily
from domain.identities.username import Username
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.otp.rate_limits import DeliveryRoute, RateLimits, Recognition, Reservation
from tests.support.builders import (
    NOW,
    a_call,
    a_callback,
    a_challenge,
    a_deleted_identity,
    a_delivery,
    a_delivery_report,
    a_hashed_ip,
    a_phone,
    a_phone_verification,
    a_session,
    a_user,
    an_id,
    an_identity,
    an_item,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_call import FULL_CALL

ENCRYPTION = FakePhoneEncryption()
PHONE = a_phone(2671)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with open_database(path, ENCRYPTION.key_fingerprint()) as database:
        yield database


@pytest.fixture
def repositories(database: Database) -> Repositories:
    """The repositories of this version."""
    return repositories_of(database, ENCRYPTION)


async def read_body(database: Database, table: str) -> Any:
    """Read the body of the only record in a table."""
    [(body,)] = await database.fetch_all(f"SELECT body FROM {table}")  # noqa: S608
    return json.loads(body)


async def read_schema_version(database: Database, table: str) -> object:
    [(version,)] = await database.fetch_all(f"SELECT schema_version FROM {table}")  # noqa: S608
    return version


# A newer version of this program: every stored struct that can have more fields has one more.


class NewerRefreshTokens(StoredRefreshTokens):
    algorithm: str = "none"


class NewerSession(StoredSession):
    refresh_tokens: NewerRefreshTokens | None = None
    label: str = "none"


class NewerUser(StoredUser):
    locale: str = "none"


class NewerIdentity(StoredIdentity):
    user: NewerUser | None = None
    sessions: tuple[NewerSession, ...] = ()
    region: str = "none"


class NewerIdentityMapping(IdentityMapping):
    stored_type = NewerIdentity

    def to_stored(self, value: Identity, encrypted_phone: bytes | None = None) -> NewerIdentity:
        stored = super().to_stored(value, encrypted_phone)
        return NewerIdentity(
            **{
                **asdict(stored),
                "user": stored.user and NewerUser(**asdict(stored.user), locale="hi-IN"),
                "sessions": tuple(_newer_session(session) for session in stored.sessions),
                "region": "EU",
            }
        )


def _newer_session(session: StoredSession) -> NewerSession:
    tokens = session.refresh_tokens
    return NewerSession(
        **{
            **asdict(session),
            "refresh_tokens": tokens and NewerRefreshTokens(**asdict(tokens), algorithm="v2"),
            "label": f"label of {session.device}",
        }
    )


class NewerChallenge(StoredChallenge):
    channel: str = "none"


class NewerDelivery(StoredDelivery):
    provider: str = "none"


class NewerTrustedIp(StoredTrustedIp):
    country: str = "none"


class NewerFailures(StoredFailures):
    country: int = 0


class NewerPhoneVerification(StoredPhoneVerification):
    challenges: tuple[NewerChallenge, ...] = ()
    deliveries: tuple[NewerDelivery, ...] = ()
    failures: NewerFailures = msgspec.field(default_factory=NewerFailures)
    trusted_ips: tuple[NewerTrustedIp, ...] = ()
    channel: int = 0


class NewerPhoneVerificationMapping(PhoneVerificationMapping):
    stored_type = NewerPhoneVerification

    def to_stored(self, value: PhoneVerification) -> NewerPhoneVerification:
        stored = super().to_stored(value)
        return NewerPhoneVerification(
            **{
                **asdict(stored),
                "challenges": tuple(
                    NewerChallenge(**asdict(challenge), channel=f"channel {challenge.id}")
                    for challenge in stored.challenges
                ),
                "deliveries": tuple(
                    NewerDelivery(**asdict(delivery), provider=f"via {delivery.request_id}")
                    for delivery in stored.deliveries
                ),
                "failures": NewerFailures(**asdict(stored.failures), country=7),
                "trusted_ips": tuple(
                    NewerTrustedIp(**asdict(trusted_ip), country=f"of {trusted_ip.client_ip_hash}")
                    for trusted_ip in stored.trusted_ips
                ),
                "channel": 12,
            }
        )


class NewerImage(StoredImage):
    color: str = "none"


class NewerMediaItem(StoredMediaItem):
    image: NewerImage
    title: str = "none"


class NewerMediaItemMapping(MediaItemMapping):
    stored_type = NewerMediaItem

    def to_stored(self, value: MediaItem) -> NewerMediaItem:
        stored = super().to_stored(value)
        return NewerMediaItem(
            **{
                **asdict(stored),
                "image": NewerImage(**asdict(stored.image), color="red"),
                "title": "a title",
            }
        )


# An older version of this program, which cannot block an identity and knows no devices.


class OlderIdentity(StoredFields):
    id: str
    created_at: datetime
    encrypted_phone: bytes | None
    role: RoleName
    user: StoredUser | None
    sessions: tuple[StoredSession, ...]
    deleted_at: datetime | None
    purged_at: datetime | None


class OlderIdentityMapping(IdentityMapping):
    stored_type = OlderIdentity  # type: ignore[assignment]

    def to_stored(self, value: Identity, encrypted_phone: bytes | None = None) -> StoredIdentity:
        fields = asdict(super().to_stored(value, encrypted_phone))
        known = {name: fields[name] for name in OlderIdentity.__struct_fields__}
        return cast("StoredIdentity", OlderIdentity(**known))

    def to_domain(self, stored: StoredIdentity) -> Identity:
        return super().to_domain(StoredIdentity(**asdict(stored)))


async def test_an_identity_keeps_what_a_newer_version_stored(
    database: Database, repositories: Repositories
) -> None:
    newer = SqliteIdentities(database, NewerIdentityMapping(ENCRYPTION))
    first, second, third = (
        a_session(
            id=an_id(number),
            device=f"device {number}",
            token_family=RefreshTokenFamily(b"nonce", NOW),
        )
        for number in (1, 2, 3)
    )
    await newer.add(an_identity(user=a_user("Zoë"), sessions=(first, second, third)))

    loaded = await repositories.identities.load(an_id())
    assert loaded is not None
    changed = (
        loaded.value.set_username(Username("Mei"), NOW)
        .revoke_session(second.id)
        .replace_session(replace(third, device="renamed", token_family=None))
        .add_session(a_session(id=an_id(4)))
    )
    assert await repositories.identities.replace(changed, loaded.version)

    body = await read_body(database, "identities")
    assert body["region"] == "EU"
    assert (body["user"]["username"], body["user"]["locale"]) == ("Mei", "hi-IN")
    assert [(session["id"], session.get("label")) for session in body["sessions"]] == [
        (first.id, "label of device 1"),
        (third.id, "label of device 3"),
        (an_id(4), None),
    ]
    assert body["sessions"][0]["refresh_tokens"]["algorithm"] == "v2"
    assert body["sessions"][1]["refresh_tokens"] is None


async def test_a_phone_verification_keeps_what_a_newer_version_stored(
    database: Database, repositories: Repositories
) -> None:
    newer = SqlitePhoneVerifications(
        database, ENCRYPTION, NewerPhoneVerificationMapping(ENCRYPTION)
    )
    before = a_phone_verification(
        challenges=(a_challenge(id=an_id(1)), a_challenge(id=an_id(2))),
        deliveries=(a_delivery(request_id="first"), a_delivery(request_id="second")),
        trusted_ips=(TrustedIp("192.0.2.1", NOW), TrustedIp("192.0.2.2", NOW)),
    )
    await newer.replace(PHONE, before, 0)

    loaded = await repositories.phone_verifications.load(PHONE)
    assert loaded.value == before
    changed = replace(
        before,
        challenges=(replace(before.challenges[1], used_at=NOW), a_challenge(id=an_id(3))),
        deliveries=(*before.deliveries[1:], a_delivery(request_id="third")),
        trusted_ips=(*before.trusted_ips[1:], TrustedIp("192.0.2.3", NOW)),
        identity_id=an_id(),
    )
    assert await repositories.phone_verifications.replace(PHONE, changed, loaded.version)

    body = await read_body(database, "phone_verifications")
    assert (body["channel"], body["failures"]["country"]) == (12, 7)
    assert [item.get("channel") for item in body["challenges"]] == [f"channel {an_id(2)}", None]
    assert [item.get("provider") for item in body["deliveries"]] == ["via second", None]
    assert [item.get("country") for item in body["trusted_ips"]] == ["of 192.0.2.2", None]
    assert (await newer.load(PHONE)).value == changed


async def test_a_media_item_keeps_what_a_newer_version_stored(
    database: Database, repositories: Repositories
) -> None:
    newer = SqliteMediaItems(database, NewerMediaItemMapping())
    await newer.add(an_item())

    loaded = await repositories.media_items.load(an_id())
    assert loaded is not None
    assert await repositories.media_items.replace(loaded.value.categorize("wheels"), loaded.version)

    body = await read_body(database, "media_items")
    assert (body["category"], body["title"], body["image"]["color"]) == ("wheels", "a title", "red")
    assert await repositories.media_items.find_by_storage_key(an_item().storage_key) == an_item(
        category="wheels"
    )
    assert await repositories.media_pages.list_page(ItemFilter(), 0, 10) == [
        an_item(category="wheels")
    ]


async def test_two_versions_that_write_in_turns_lose_nothing(
    database: Database, repositories: Repositories
) -> None:
    newer = SqliteIdentities(database, NewerIdentityMapping(ENCRYPTION))
    await repositories.identities.add(an_identity())
    for number in range(1, 7):
        identities = (repositories.identities, newer)[number % 2]
        loaded = await identities.load(an_id())
        assert loaded is not None
        identity = loaded.value.promote() if number == 1 else loaded.value
        changed = identity.add_session(a_session(id=an_id(number), device="Pixel 8"))
        assert await identities.replace(changed, loaded.version)

    body = await read_body(database, "identities")
    assert (body["role"], body["region"]) == ("administrator", "EU")
    assert [session["id"] for session in body["sessions"]] == [an_id(n) for n in range(1, 7)]
    # The last session was added by this version, which knows no label.
    assert [session.get("label") for session in body["sessions"]] == [
        *["label of Pixel 8"] * 5,
        None,
    ]


async def test_an_identity_stays_blocked_when_an_older_version_replaces_it(
    database: Database, repositories: Repositories
) -> None:
    older = SqliteIdentities(database, OlderIdentityMapping(ENCRYPTION))
    await repositories.identities.add(an_identity(blocked_at=NOW))

    loaded = await older.load(an_id())
    assert loaded is not None
    assert not loaded.value.is_blocked
    assert await older.replace(loaded.value.promote(), loaded.version)

    blocked = an_identity(blocked_at=NOW).promote()
    assert await repositories.identities.load(an_id()) == Versioned(blocked, 2)


async def test_lists_return_versions_that_carry_unknown_fields(
    database: Database, repositories: Repositories
) -> None:
    newer_mapping = NewerIdentityMapping(ENCRYPTION)
    await SqliteIdentities(database, newer_mapping).add(a_deleted_identity(user=a_user()))
    await SqliteMediaItems(database, NewerMediaItemMapping()).add(an_item().mark_for_deletion(NOW))

    [identity] = await repositories.deleted_identities.list_unpurged(10)
    await repositories.identities.replace(identity.value.purge(NOW), identity.version)
    [identity] = await repositories.deleted_identities.list_with_username(NOW, 10)
    await repositories.identities.replace(identity.value.release_username(), identity.version)
    [item] = await repositories.media_cleanup.list_deleting(NOW, 10)
    await repositories.media_items.replace(item.value, item.version)

    assert (await read_body(database, "identities"))["region"] == "EU"
    assert (await read_body(database, "media_items"))["title"] == "a title"


class UpgradedIdentityMapping(IdentityMapping):
    """Stores a schema version 3, in which a session has the device that a user agent had."""

    upgrades = (
        lambda fields: {**fields, "role": "administrator"},
        lambda fields: {
            **fields,
            "sessions": [{**session, "device": "upgraded"} for session in fields["sessions"]],
        },
    )


async def test_an_older_record_is_upgraded_when_it_is_read(
    database: Database, repositories: Repositories
) -> None:
    mapping = UpgradedIdentityMapping(ENCRYPTION)
    identities = SqliteIdentities(database, mapping)
    deleted_identities = SqliteDeletedIdentities(database, mapping)
    await repositories.identities.add(an_identity(user=a_user("Zoë"), sessions=(a_session(),)))
    upgraded = an_identity(
        user=a_user("Zoë"), sessions=(a_session(device="upgraded"),), role=Role.ADMINISTRATOR
    )

    assert await identities.load(an_id()) == Versioned(upgraded, 1)
    assert await identities.find_by_username(Username("Zoë")) == Versioned(upgraded, 1)
    assert await read_schema_version(database, "identities") == 1

    deleted = replace(upgraded.delete(NOW), sessions=())
    await repositories.identities.replace(deleted, 1)
    upgraded_deleted = replace(deleted, role=Role.ADMINISTRATOR)
    assert await deleted_identities.list_unpurged(10) == [Versioned(upgraded_deleted, 2)]
    assert await deleted_identities.list_with_username(NOW, 10) == [Versioned(upgraded_deleted, 2)]


async def test_an_upgraded_record_is_stored_in_the_new_form_when_it_is_saved(
    database: Database, repositories: Repositories
) -> None:
    identities = SqliteIdentities(database, UpgradedIdentityMapping(ENCRYPTION))
    await repositories.identities.add(an_identity(sessions=(a_session(),)))

    loaded = await identities.load(an_id())
    assert loaded is not None
    assert await identities.replace(loaded.value.demote(), loaded.version)

    assert await read_schema_version(database, "identities") == 3
    assert (await read_body(database, "identities"))["sessions"][0]["device"] == "upgraded"
    # No upgrade is applied again.
    assert await identities.load(an_id()) == Versioned(loaded.value.demote(), 2)


async def test_a_record_of_a_newer_schema_keeps_its_schema_version(
    database: Database, repositories: Repositories
) -> None:
    identities = SqliteIdentities(database, UpgradedIdentityMapping(ENCRYPTION))
    await identities.add(an_identity())

    assert await repositories.identities.load(an_id()) == Versioned(an_identity(), 1)
    assert await repositories.identities.replace(an_identity(user=a_user()), 1)

    assert await read_schema_version(database, "identities") == 3
    assert await identities.load(an_id()) == Versioned(an_identity(user=a_user()), 2)


async def test_every_kind_of_record_has_its_schema_version(
    database: Database, repositories: Repositories
) -> None:
    await repositories.identities.add(an_identity())
    await repositories.phone_verifications.replace(PHONE, a_phone_verification(), 0)
    await repositories.media_items.add(an_item())
    await repositories.calls.add(a_call())
    await repositories.delivery_reports.add(a_delivery_report())

    schema_versions = {
        "identities": 1,
        "phone_verifications": 3,
        "media_items": 1,
        "calls": 1,
        "delivery_reports": 1,
    }
    for table, schema_version in schema_versions.items():
        assert await read_schema_version(database, table) == schema_version


DAMAGED_BODIES = {
    "no JSON": "'{'",
    "not UTF-8": "CAST(X'ff' AS TEXT)",
    "no object": "'[]'",
    "a missing field": "json_remove(body, '$.id', '$.challenges[0].id')",
    "a wrong type": "json_set(body, '$.id', 1, '$.identity_id', 1)",
    "an unknown field and a wrong type": (
        "json_set(body, '$.unknown', 1, '$.created_at', 'today', '$.blocked_at', 'today', "
        "'$.started_at', 'today', '$.visible_at', 'today')"
    ),
    "a number in a list of objects": (
        "json_set(body, '$.sessions[0]', 1, '$.challenges[0]', 1, '$.image', json('[1]'), "
        "'$.turns', json('[1]'), '$.expires_at', 1)"
    ),
}


@pytest.mark.parametrize("body", DAMAGED_BODIES.values(), ids=DAMAGED_BODIES.keys())
async def test_a_damaged_record_is_an_error_that_quotes_nothing(
    database: Database, repositories: Repositories, body: str
) -> None:
    await repositories.identities.add(an_identity(user=a_user("Zoë Secret")))
    await repositories.phone_verifications.replace(PHONE, a_phone_verification(), 0)
    await repositories.media_items.add(an_item(category="secret"))
    await repositories.calls.add(a_call())
    await repositories.delivery_reports.add(a_delivery_report())
    tables = ("identities", "phone_verifications", "media_items", "calls", "delivery_reports")
    for table in tables:
        await database.execute(f"UPDATE {table} SET body = {body}")  # noqa: S608

    loads = (
        repositories.identities.load(an_id()),
        repositories.phone_verifications.load(PHONE),
        repositories.media_items.load(an_id()),
        repositories.media_items.find_by_storage_key(an_item().storage_key),
        repositories.calls.load(an_id()),
        repositories.call_pages.list_after(None, None, 1),
        repositories.call_cleanup.list_started(NOW, 1),
        repositories.delivery_reports.load(a_delivery_report().id),
    )
    for load in loads:
        with pytest.raises(CorruptRecord) as error:
            await load
        assert re.fullmatch(r"a (record is not a Stored\w+|column is not UTF-8)", str(error.value))
        assert error.value.__cause__ is None


HIDDEN = {
    "the number": PHONE.e164,
    "its digits": PHONE.e164.removeprefix("+"),
    "its national digits": PHONE.e164.removeprefix("+1"),
    "the code": a_challenge().derive_code(b"a pepper", PHONE),
}


def find_hidden_in(folder: Path, file_count: int) -> list[str]:
    """Return what is found in the files: the database alone, or with its log and its index."""
    contents = [file.read_bytes() for file in folder.iterdir()]
    assert len(contents) == file_count
    content = b"".join(contents)
    assert b"Rahul Sharma" in content
    return [name for name, text in HIDDEN.items() if text.encode() in content]


async def test_the_file_and_its_log_contain_no_phone_and_no_code(path: Path) -> None:
    async with open_sqlite_repositories(path, ENCRYPTION) as repositories:
        identity = an_identity(phone=PHONE, user=a_user("Rahul Sharma"))
        verification = a_phone_verification(callbacks=(a_callback(challenge=a_challenge()),))
        await repositories.phone_verifications.replace(PHONE, verification, 0)
        await repositories.calls.add(FULL_CALL)
        loaded = await repositories.phone_verifications.load(PHONE)
        owned = loaded.value.assign_identity(identity.id)
        assert await repositories.phone_verifications.replace(PHONE, owned, loaded.version)
        assert await repositories.identities.add(identity)
        assert await repositories.identities.replace(identity, 1)
        assert await repositories.identities.load(an_id()) == Versioned(identity, 2)

        assert find_hidden_in(path.parent, file_count=3) == []
    assert find_hidden_in(path.parent, file_count=1) == []


@pytest.mark.parametrize("name", HIDDEN)
def test_the_search_for_hidden_texts_finds_them(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_text(f"Rahul Sharma {HIDDEN[name]}")

    assert name in find_hidden_in(tmp_path, file_count=1)


async def test_cleanup_leaves_no_expired_reservation(
    database: Database, repositories: Repositories
) -> None:
    for number in range(20):
        route = DeliveryRoute(a_hashed_ip(f"2001:db8:{number:x}::/64"), "US", "a range")
        limits = RateLimits().for_delivery(route, Recognition.NONE)
        assert (
            await repositories.rate_limiter.acquire(Reservation(f"request {number}", NOW, limits))
            is None
        )
    assert await database.fetch_all("SELECT count(*) FROM rate_limits") == [(220,)]

    deleted = 0
    while count := await repositories.rate_limiter.delete_expired(NOW + timedelta(days=400), 25):
        assert count <= 25
        deleted += count

    assert deleted == 220
    assert await database.fetch_all("SELECT count(*) FROM rate_limits") == [(0,)]


async def read_health_check_count(database: Database) -> object:
    sql = "SELECT value FROM metadata WHERE name = 'health_check_count'"
    return await database.fetch_one(sql)


async def test_a_health_check_writes(database: Database) -> None:
    await SqliteHealthCheck(database).check()
    await SqliteHealthCheck(database).check()

    assert await read_health_check_count(database) == (2,)


async def test_a_database_that_can_only_be_read_is_not_healthy(
    database: Database, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StorageTimeout, match="no response within"):
            await SqliteHealthCheck(database, timeout=0.01).check()

    await SqliteHealthCheck(database).check()


async def read_encrypted_phone(database: Database, table: str) -> object:
    [(body,)] = await database.fetch_all(f"SELECT body FROM {table}")  # noqa: S608
    return json.loads(body)["encrypted_phone"]


async def test_the_ciphertext_of_an_identity_is_kept_while_its_phone_is_the_same(
    database: Database, repositories: Repositories
) -> None:
    await repositories.identities.add(an_identity())
    before = await read_encrypted_phone(database, "identities")

    for number in (1, 2):
        loaded = await repositories.identities.load(an_id())
        assert loaded is not None
        changed = loaded.value.add_session(a_session(id=an_id(number)))
        assert await repositories.identities.replace(changed, loaded.version)

    assert await read_encrypted_phone(database, "identities") == before


async def test_the_phone_of_a_blocked_verification_is_encrypted_once(
    database: Database, repositories: Repositories
) -> None:
    verifications = repositories.phone_verifications
    await verifications.replace(PHONE, a_phone_verification().block(NOW), 0)
    first = await read_encrypted_phone(database, "phone_verifications")
    loaded = await verifications.load(PHONE)
    await verifications.replace(PHONE, loaded.value.assign_identity(an_id()), loaded.version)
    await verifications.prune(NOW + timedelta(days=1), 10)
    second = await read_encrypted_phone(database, "phone_verifications")
    loaded = await verifications.load(PHONE)
    await verifications.replace(PHONE, loaded.value.unblock(), loaded.version)

    assert first == second
    ciphertext = base64.b64decode(str(first))
    assert ENCRYPTION.decrypt(ciphertext, ENCRYPTION.blind_index(PHONE)) == PHONE
    assert await read_encrypted_phone(database, "phone_verifications") is None

"""A file of an earlier schema version is read by every later version.

The golden files are never written again: a stored name that changes by accident fails here. Every
field has a value that is not its default.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.sqlite import open_sqlite_repositories
from adapters.sqlite.mapping import (
    CallMapping,
    DeliveryReportMapping,
    IdentityMapping,
    MediaItemMapping,
    PhoneVerificationMapping,
)
from adapters.sqlite.migrations import MIGRATIONS, migrate
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Identity, Role, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.challenge import Challenge, Purpose
from domain.otp.delivery import Delivery
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.integration.golden_voice import CALLED_BACK, CALLS, JOINED, REPORT
from tests.support.builders import a_hashed_ip
from tests.support.fakes.phone_encryption import FakePhoneEncryption

GOLDEN: Final = {
    1: Path(__file__).with_name("golden") / "sqlite_schema_1.sql",
    2: Path(__file__).with_name("golden") / "sqlite_schema_2.sql",
    3: Path(__file__).with_name("golden") / "sqlite_records_3.sql",
    4: Path(__file__).with_name("golden") / "sqlite_schema_3.sql",
}
"""The third has the schema of the second, with phone verifications of schema version 3."""
SCHEMAS: Final = {1: 1, 2: 2, 3: 2, 4: 3}
"""The schema version of each file."""
START: Final = datetime(2026, 5, 1, 9, 30, 0, 123_456, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
ENCRYPTION: Final = FakePhoneEncryption()

PHONE = PhoneNumber("+14155552671")
VERIFICATION = PhoneVerification(
    challenges=(
        Challenge(
            id="69f4720800000000000000c1",
            purpose=Purpose.SIGN_IN,
            nonce=bytes.fromhex("00112233445566778899aabbccddeeff"),
            key_id="pepper-1",
            created_at=START,
            expires_at=START + 5 * MINUTE,
            used_at=START,
        ),
        Challenge(
            id="69f4720800000000000000c2",
            purpose=Purpose.SIGN_IN,
            nonce=bytes.fromhex("ffeeddccbbaa99887766554433221100"),
            key_id="pepper-2",
            created_at=START + MINUTE,
            expires_at=START + 6 * MINUTE,
        ),
    ),
    deliveries=(
        Delivery(
            request_id="bm90LWEtcmVxdWVzdC1pZA",
            challenge_id="69f4720800000000000000c1",
            client_ip=a_hashed_ip("203.0.113.7"),
            sent_at=START + MINUTE,
            uses_own_quota=True,
            counters=(
                AttemptCounter(CounterKind.FIRST_REQUEST, "bm90LWEtcmVxdWVzdC1pZA", 5, used=3),
            ),
        ),
    ),
    shared_attempts=(START + 3 * MINUTE,),
    trusted_ips=(TrustedIp(a_hashed_ip("203.0.113.8").ip, START + 4 * MINUTE),),
    identity_id="69f472080000000000000001",
)
BLOCKED_PHONE = PhoneNumber("+14155552672")
BLOCKED_VERIFICATION = PhoneVerification(
    identity_id="69f472080000000000000004", blocked_at=START + MINUTE
)
VERIFICATIONS = {PHONE: VERIFICATION, BLOCKED_PHONE: BLOCKED_VERIFICATION}
LATEST_PHONE = PhoneNumber("+14155552674")
LATEST_VERIFICATION = PhoneVerification(
    deliveries=(
        Delivery(
            request_id="YW5vdGhlciByZXF1ZXN0IQ",
            challenge_id="69f4720800000000000000c3",
            client_ip=a_hashed_ip("2001:db8:1:2::/64"),
            sent_at=START + MINUTE,
            attempt_limit=2,
            device_id="69f4720800000000000000f1",
            counters=(
                AttemptCounter(
                    CounterKind.DEVICE,
                    "69f4720800000000000000f1",
                    limit=2,
                    used=1,
                    last_digest="a digest",
                    last_counted_at=START + 2 * MINUTE,
                ),
            ),
        ),
    ),
    failures=Failures(
        in_a_row=7,
        last_failed_at=START + 2 * MINUTE,
        by_device=(DeviceFailures("69f4720800000000000000f1", 1, START + 2 * MINUTE),),
    ),
    identity_id="69f472080000000000000005",
)
"""Has the fields that the first two files do not have."""

ADMINISTRATOR = Identity(
    id="69f472080000000000000001",
    phone=PHONE,
    created_at=START,
    role=Role.ADMINISTRATOR,
    user=User(Username("Zoë Quéré"), START + MINUTE),
    sessions=(
        Session(
            id="69f4720800000000000000a1",
            created_at=START + 2 * MINUTE,
            expires_at=START + 3 * MINUTE,
            device="Pixel 8",
            last_used_at=START + 4 * MINUTE,
            token_family=RefreshTokenFamily(
                nonce=bytes.fromhex("0102030405060708"), rotated_at=START + 5 * MINUTE, generation=7
            ),
        ),
        Session(
            id="69f4720800000000000000a2",
            created_at=START + 6 * MINUTE,
            expires_at=START + 7 * MINUTE,
        ),
    ),
)
DELETED = Identity(
    id="69f472080000000000000002",
    phone=PhoneNumber("+14155552673"),
    created_at=START,
    user=User(Username("Gone"), START + MINUTE),
    deleted_at=START + 2 * MINUTE,
)
PURGED = Identity(
    id="69f472080000000000000003",
    phone=None,
    created_at=START,
    user=User(Username("Purged"), START + MINUTE),
    deleted_at=START + 3 * MINUTE,
    purged_at=START + 3 * MINUTE,
)
BLOCKED = Identity(
    id="69f472080000000000000004",
    phone=BLOCKED_PHONE,
    created_at=START,
    blocked_at=START + 2 * MINUTE,
)
IDENTITIES = [ADMINISTRATOR, DELETED, PURGED, BLOCKED]
LATEST_IDENTITY = Identity(
    id="69f472080000000000000005",
    phone=LATEST_PHONE,
    created_at=START,
    sessions=(
        Session(
            id="69f4720800000000000000a3",
            created_at=START + MINUTE,
            expires_at=START + 3 * MINUTE,
            token_family=RefreshTokenFamily(
                nonce=bytes.fromhex("0807060504030201"),
                rotated_at=START + MINUTE,
                generation=1,
                is_confirmed=False,
            ),
            idle_expires_at=START + 2 * MINUTE,
        ),
    ),
    devices=(
        RecognizedDevice(
            id="69f4720800000000000000f1",
            session_id="69f4720800000000000000a3",
            expires_at=START + 4 * MINUTE,
        ),
    ),
)
"""Has the fields that the first two files do not have."""

PENDING = MediaItem(
    id="69f4720800000000000000d1",
    owner_id="69f472080000000000000001",
    storage_key="202122232425262728292a2b2c2d2e2f.png",
    image=Image(ImageFormat.PNG, width=32, height=16, bytes=2048),
    category=None,
    created_at=START,
    state=ItemState.PENDING,
    upload_deadline=START + 10 * MINUTE,
)
READY = MediaItem(
    id="69f4720800000000000000d2",
    owner_id="69f472080000000000000001",
    storage_key="000102030405060708090a0b0c0d0e0f.gif",
    image=Image(ImageFormat.GIF, width=64, height=32, bytes=4096),
    category="Räder",
    created_at=START + MINUTE,
    state=ItemState.READY,
    upload_deadline=START + 11 * MINUTE,
)
DELETING = MediaItem(
    id="69f4720800000000000000d3",
    owner_id="69f472080000000000000002",
    storage_key="101112131415161718191a1b1c1d1e1f.jpg",
    image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
    category=None,
    created_at=START + 2 * MINUTE,
    state=ItemState.DELETING,
    upload_deadline=START + 12 * MINUTE,
    deletion_requested_at=START + 20 * MINUTE,
)
ITEMS = [PENDING, READY, DELETING]

LIMIT = RateLimit("deliveries:total", SlidingWindow(1, timedelta(hours=1)))


@pytest.fixture(params=GOLDEN)
def generation(request: pytest.FixtureRequest) -> int:
    generation: int = request.param
    return generation


@pytest.fixture
def path(tmp_path: Path, generation: int) -> Path:
    path = tmp_path / "records.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(GOLDEN[generation].read_text("utf-8"))
    return path


@pytest.fixture
async def repositories(path: Path) -> AsyncIterator[Repositories]:
    async with open_sqlite_repositories(path, ENCRYPTION) as repositories:
        yield repositories


def read_bodies(path: Path, table: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"SELECT body FROM {table} ORDER BY rowid")  # noqa: S608
        return [json.loads(body) for (body,) in rows]


@pytest.mark.parametrize("phone", VERIFICATIONS)
async def test_a_phone_verification_is_read(repositories: Repositories, phone: PhoneNumber) -> None:
    assert (await repositories.phone_verifications.load(phone)).value == VERIFICATIONS[phone]


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda identity: identity.id)
async def test_an_identity_is_read(repositories: Repositories, identity: Identity) -> None:
    assert await repositories.identities.load(identity.id) == Versioned(identity, 1)


@pytest.mark.parametrize("generation", [3, 4], indirect=True)
async def test_the_latest_records_are_read(repositories: Repositories) -> None:
    loaded = await repositories.phone_verifications.load(LATEST_PHONE)

    assert loaded.value == LATEST_VERIFICATION
    assert await repositories.identities.load(LATEST_IDENTITY.id) == Versioned(LATEST_IDENTITY, 1)


async def test_an_identity_is_found_by_its_username(repositories: Repositories) -> None:
    found = await repositories.identities.find_by_username(Username("ZOË QUÉRÉ"))

    assert found == Versioned(ADMINISTRATOR, 1)


async def test_deleted_identities_are_listed(repositories: Repositories) -> None:
    assert await repositories.deleted_identities.list_unpurged(10) == [Versioned(DELETED, 1)]
    assert await repositories.deleted_identities.list_with_username(START + 3 * MINUTE, 10) == [
        Versioned(DELETED, 1),
        Versioned(PURGED, 1),
    ]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.state)
async def test_a_media_item_is_read(repositories: Repositories, item: MediaItem) -> None:
    assert await repositories.media_items.load(item.id) == Versioned(item, 1)
    assert await repositories.media_items.find_by_storage_key(item.storage_key) == item


async def test_media_items_are_listed_by_their_state(repositories: Repositories) -> None:
    filters = ItemFilter(READY.owner_id, MediaKind.GIF, "Räder")

    assert await repositories.media_pages.list_page(filters, 0, 10) == [READY]
    assert await repositories.media_cleanup.list_expired_uploads(START + 10 * MINUTE, 10) == [
        Versioned(PENDING, 1)
    ]
    assert await repositories.media_cleanup.list_deleting(START + 20 * MINUTE, 10) == [
        Versioned(DELETING, 1)
    ]


@pytest.mark.parametrize("generation", [max(GOLDEN)], indirect=True)
async def test_a_reservation_still_counts(repositories: Repositories) -> None:
    available_at = await repositories.rate_limiter.next_available(
        Reservation("another request", START + MINUTE, (LIMIT,))
    )

    assert available_at == START + timedelta(hours=1)


async def test_the_health_check_works(repositories: Repositories) -> None:
    await repositories.health.check()


async def test_a_record_can_be_replaced(repositories: Repositories) -> None:
    changed = ADMINISTRATOR.revoke_session(ADMINISTRATOR.sessions[0].id)

    assert await repositories.identities.replace(changed, 1)
    assert await repositories.identities.load(ADMINISTRATOR.id) == Versioned(changed, 2)


@pytest.mark.parametrize("generation", [max(GOLDEN)], indirect=True)
def test_the_stored_form_has_not_changed(path: Path) -> None:
    verifications, identities, items, calls, reports = (
        PhoneVerificationMapping(ENCRYPTION),
        IdentityMapping(ENCRYPTION),
        MediaItemMapping(),
        CallMapping(),
        DeliveryReportMapping(),
    )
    stored = {
        "phone_verifications": [
            verifications.encode(verifications.to_stored(verification), 0)
            for verification in (*VERIFICATIONS.values(), LATEST_VERIFICATION, CALLED_BACK)
        ],
        "identities": [
            identities.encode(identities.to_stored(value), 0)
            for value in (*IDENTITIES, LATEST_IDENTITY, JOINED)
        ],
        "media_items": [items.encode(items.to_stored(item), 0) for item in ITEMS],
        "calls": [calls.encode(calls.to_stored(call), 0) for call in CALLS],
        "delivery_reports": [reports.encode(reports.to_stored(REPORT), 0)],
    }
    for table, bodies in stored.items():
        # Each encryption of a phone gives other bytes.
        today = [json.loads(body, object_hook=_without_encrypted_phone) for body in bodies]
        assert today == [_without_encrypted_phone(body) for body in read_bodies(path, table)]


def _without_encrypted_phone(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "encrypted_phone": ...} if "encrypted_phone" in fields else fields


def test_the_migrations_make_the_same_schema(path: Path, tmp_path: Path, generation: int) -> None:
    def read_schema(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
        return set(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall())

    with (
        closing(sqlite3.connect(path)) as golden,
        closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as new,
    ):
        migrate(new, path, "keys", MIGRATIONS[: SCHEMAS[generation]])
        assert read_schema(new) == read_schema(golden)


@pytest.mark.parametrize("generation", [1], indirect=True)
def test_after_a_cleanup_the_file_of_version_1_contains_no_client_ip(path: Path) -> None:
    async def clean_up() -> None:
        async with open_sqlite_repositories(path, ENCRYPTION) as repositories:
            assert await repositories.phone_verifications.prune(START, 10) == len(VERIFICATIONS)
            verification = (await repositories.phone_verifications.load(PHONE)).value
            assert verification == VERIFICATION.prune(START)

    assert b"203.0.113." in path.read_bytes()
    asyncio.run(clean_up())

    content = path.read_bytes()
    assert b"203.0.113." not in content
    assert b"2001:db8:" not in content

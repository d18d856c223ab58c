"""A database as schema version 1 wrote it is read by every version after.

The file is never written anew: who renames a field finds its value missing here. In each
record every field has a value that is not its default.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.sqlite import open_sqlite_records
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity, Role, User
from domain.identities.session import Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.otp.attempts import IpAttempt, UnboundAttempts
from domain.otp.challenge import Challenge, Purpose
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.phone import PhoneNumber
from tests.support.fakes.seal import FakeSeal

T = TypeVar("T")

GOLDEN = Path(__file__).with_name("golden") / "sqlite_schema_1.sql"
WITH_BLOCKS = GOLDEN.with_name("sqlite_schema_1_blocked.sql")
START = datetime(2026, 5, 1, 9, 30, 0, 123_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PHONE = PhoneNumber("+14155552671")

RECORD = PhoneVerification(
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
    ),
    deliveries=(
        Delivery(
            request_id="bm90LWEtcmVxdWVzdC1pZA",
            challenge_id="69f4720800000000000000c1",
            client_ip="203.0.113.7",
            sent_at=START + MINUTE,
            uses_trusted_ip_quota=True,
            attempts_used=3,
        ),
    ),
    unbound_attempts=UnboundAttempts(
        by_ip=(IpAttempt("2001:db8:1:2::/64", START + 2 * MINUTE),),
        shared=(START + 3 * MINUTE,),
    ),
    trusted_ips=(TrustedIp("203.0.113.8", START + 4 * MINUTE),),
    identity_id="69f472080000000000000001",
)
ALIVE = Identity(
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
        ),
    ),
)
TOMBSTONE = Identity(
    id="69f472080000000000000002",
    phone=None,
    created_at=START,
    user=User(Username("Gone"), START + MINUTE),
    deleted_at=START + 2 * MINUTE,
    purged_at=START,
)
BLOCKED_PHONE = PhoneNumber("+14155552672")
BLOCKED_RECORD = PhoneVerification(
    identity_id="69f472080000000000000003", blocked_at=START + MINUTE
)
BLOCKED = Identity(
    id="69f472080000000000000003", phone=None, created_at=START, blocked_at=START + 2 * MINUTE
)
READY = MediaItem(
    id="69f4720800000000000000d1",
    owner_id="69f472080000000000000001",
    storage_key="000102030405060708090a0b0c0d0e0f.gif",
    image=Image(ImageFormat.GIF, width=64, height=32, bytes=4096),
    category="Räder",
    created_at=START,
    state=ItemState.READY,
    upload_deadline=START + 10 * MINUTE,
)
DOOMED = MediaItem(
    id="69f4720800000000000000d2",
    owner_id="69f472080000000000000002",
    storage_key="101112131415161718191a1b1c1d1e1f.jpg",
    image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
    category=None,
    created_at=START,
    state=ItemState.DELETING,
    upload_deadline=START + 10 * MINUTE,
    deletion_requested_at=START + 20 * MINUTE,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "records.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(GOLDEN.read_text("utf-8"))
        connection.executescript(WITH_BLOCKS.read_text("utf-8"))
    return path


def asked(path: Path, question: Callable[[Repositories], Coroutine[None, None, T]]) -> T:
    async def ask() -> T:
        async with open_sqlite_records(path, FakeSeal()) as records:
            return await question(records)

    return asyncio.run(ask())


def test_a_phone_record_is_read(path: Path) -> None:
    assert asked(path, lambda records: records.phone_verifications.load(PHONE)).value == RECORD


@pytest.mark.parametrize("identity", [ALIVE, TOMBSTONE, BLOCKED])
def test_an_identity_is_read(path: Path, identity: Identity) -> None:
    found = asked(path, lambda records: records.identities.load(identity.id))

    assert found == Versioned(identity, 1)


def test_what_was_written_before_phones_could_be_blocked_is_not_blocked(path: Path) -> None:
    record = asked(path, lambda records: records.phone_verifications.load(PHONE)).value
    identity = asked(path, lambda records: records.identities.load(ALIVE.id))

    assert record.blocked_at is None
    assert identity is not None
    assert not identity.value.is_blocked


def test_a_blocked_phone_is_read(path: Path) -> None:
    record = asked(path, lambda records: records.phone_verifications.load(BLOCKED_PHONE)).value

    assert record == BLOCKED_RECORD


def test_an_identity_is_found_by_its_name(path: Path) -> None:
    found = asked(path, lambda records: records.identities.find_by_username(Username("ZOË QUÉRÉ")))

    assert found == Versioned(ALIVE, 1)


@pytest.mark.parametrize("item", [READY, DOOMED])
def test_an_item_is_read(path: Path, item: MediaItem) -> None:
    assert asked(path, lambda records: records.media_items.load(item.id)) == Versioned(item, 1)
    assert (
        asked(path, lambda records: records.media_items.find_by_storage_key(item.storage_key))
        == item
    )


def test_an_item_is_where_it_belongs(path: Path) -> None:
    chosen = ItemFilter(READY.owner_id, MediaKind.GIF, "Räder")

    assert asked(path, lambda records: records.media_pages.list_page(chosen, 0, 10)) == [READY]
    assert asked(
        path, lambda records: records.media_cleanup.list_deleting(START + 20 * MINUTE, 10)
    ) == [Versioned(DOOMED, 1)]


def test_what_was_written_then_can_be_replaced_now(path: Path) -> None:
    signed_out = ALIVE.revoke_session(ALIVE.sessions[0].id)

    assert asked(path, lambda records: records.identities.replace(signed_out, 1))
    assert asked(path, lambda records: records.identities.load(ALIVE.id)) == Versioned(
        signed_out, 2
    )

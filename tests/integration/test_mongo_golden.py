"""A database that an earlier schema version wrote is read by every later version.

Never write the files again: a renamed field would not be noticed. In each kind of record every
field has a value other than its default.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import open_mongo_repositories
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity, Role, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.challenge import Challenge, Purpose
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.support.builders import a_hashed_ip
from tests.support.fakes.phone_encryption import FakePhoneEncryption

GOLDEN: Final = {
    1: Path(__file__).with_name("golden") / "mongo_schema_1.json",
    2: Path(__file__).with_name("golden") / "mongo_schema_2.json",
    3: Path(__file__).with_name("golden") / "mongo_records_3.json",
    4: Path(__file__).with_name("golden") / "mongo_records_4.json",
}
"""The third and the fourth have the schema of the second, with records of later versions."""

START: Final = datetime(2026, 5, 1, 9, 30, 0, 123_000, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
PHONE: Final = PhoneNumber("+14155552671")
BLOCKED_PHONE: Final = PhoneNumber("+14155552672")

CHALLENGE: Final = Challenge(
    id="69f4720800000000000000c1",
    purpose=Purpose.SIGN_IN,
    nonce=bytes.fromhex("00112233445566778899aabbccddeeff"),
    key_id="pepper-1",
    created_at=START,
    expires_at=START + 5 * MINUTE,
    used_at=START,
)
DELIVERY: Final = Delivery(
    request_id="bm90LWEtcmVxdWVzdC1pZA",
    challenge_id=CHALLENGE.id,
    client_ip=a_hashed_ip("203.0.113.7"),
    sent_at=START + MINUTE,
    uses_own_quota=True,
    counters=(AttemptCounter(CounterKind.FIRST_REQUEST, "bm90LWEtcmVxdWVzdC1pZA", 5, used=3),),
)
VERIFICATION: Final = PhoneVerification(
    challenges=(CHALLENGE,),
    deliveries=(DELIVERY,),
    shared_attempts=(START + 3 * MINUTE,),
    trusted_ips=(TrustedIp(a_hashed_ip("203.0.113.8").ip, START + 4 * MINUTE),),
    identity_id="69f472080000000000000001",
)
BLOCKED_VERIFICATION: Final = PhoneVerification(
    identity_id="69f472080000000000000003", blocked_at=START + MINUTE
)
ADMINISTRATOR: Final = Identity(
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
                nonce=bytes.fromhex("ffeeddccbbaa99887766554433221100"),
                rotated_at=START + 5 * MINUTE,
                generation=6,
            ),
        ),
        Session(
            id="69f4720800000000000000a2",
            created_at=START + 6 * MINUTE,
            expires_at=START + 7 * MINUTE,
        ),
    ),
)
DELETED: Final = Identity(
    id="69f472080000000000000002",
    phone=None,
    created_at=START,
    user=User(Username("Gone"), START + MINUTE),
    deleted_at=START + 2 * MINUTE,
    purged_at=START + 3 * MINUTE,
)
BLOCKED: Final = Identity(
    id="69f472080000000000000003", phone=None, created_at=START, blocked_at=START + 2 * MINUTE
)
UNPURGED: Final = Identity(
    id="69f472080000000000000004",
    phone=BLOCKED_PHONE,
    created_at=START,
    deleted_at=START + 3 * MINUTE,
)
READY: Final = MediaItem(
    id="69f4720800000000000000d1",
    owner_id=ADMINISTRATOR.id,
    storage_key="000102030405060708090a0b0c0d0e0f.gif",
    image=Image(ImageFormat.GIF, width=64, height=32, bytes=4096),
    category="Räder",
    created_at=START,
    state=ItemState.READY,
    upload_deadline=START + 10 * MINUTE,
)
DELETING: Final = MediaItem(
    id="69f4720800000000000000d2",
    owner_id=DELETED.id,
    storage_key="101112131415161718191a1b1c1d1e1f.jpg",
    image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
    category=None,
    created_at=START,
    state=ItemState.DELETING,
    upload_deadline=START + 10 * MINUTE,
    deletion_requested_at=START + 20 * MINUTE,
)
PENDING: Final = MediaItem(
    id="69f4720800000000000000d3",
    owner_id=BLOCKED.id,
    storage_key="202122232425262728292a2b2c2d2e2f.png",
    image=Image(ImageFormat.PNG, width=16, height=8, bytes=512),
    category=None,
    created_at=START,
    state=ItemState.PENDING,
    upload_deadline=START + 10 * MINUTE,
)
LIMIT: Final = RateLimit("deliveries to US", SlidingWindow(1, 60 * MINUTE))


@pytest.fixture(params=GOLDEN)
def schema_version(request: pytest.FixtureRequest) -> int:
    schema_version: int = request.param
    return schema_version


@pytest.fixture
def database(mongo_database: str, schema_version: int) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        golden = json_util.loads(GOLDEN[schema_version].read_text("utf-8"))
        for collection, documents in golden.items():
            database[collection].insert_many(documents)
        yield database


@pytest.fixture
async def repositories(
    mongo_database: str, database: Database[dict[str, Any]]
) -> AsyncIterator[Repositories]:
    async with open_mongo_repositories(mongo_database, FakePhoneEncryption()) as repositories:
        yield repositories


@pytest.mark.parametrize(
    ("phone", "verification"), [(PHONE, VERIFICATION), (BLOCKED_PHONE, BLOCKED_VERIFICATION)]
)
async def test_a_phone_verification_is_read(
    repositories: Repositories, phone: PhoneNumber, verification: PhoneVerification
) -> None:
    assert (await repositories.phone_verifications.load(phone)).value == verification


@pytest.mark.parametrize("identity", [ADMINISTRATOR, DELETED, BLOCKED, UNPURGED])
async def test_an_identity_is_read(repositories: Repositories, identity: Identity) -> None:
    assert await repositories.identities.load(identity.id) == Versioned(identity, 1)


async def test_an_identity_is_found_by_its_username(repositories: Repositories) -> None:
    found = await repositories.identities.find_by_username(Username("ZOË QUÉRÉ"))

    assert found == Versioned(ADMINISTRATOR, 1)


async def test_deleted_identities_are_found(repositories: Repositories) -> None:
    ids = [ADMINISTRATOR.id, DELETED.id, UNPURGED.id]

    assert await repositories.deleted_identities.find_deleted(ids) == {DELETED.id, UNPURGED.id}
    assert await repositories.deleted_identities.list_unpurged(10) == [Versioned(UNPURGED, 1)]
    assert await repositories.deleted_identities.list_with_username(START + 2 * MINUTE, 10) == [
        Versioned(DELETED, 1)
    ]


@pytest.mark.parametrize("item", [READY, DELETING, PENDING])
async def test_an_item_is_read(repositories: Repositories, item: MediaItem) -> None:
    assert await repositories.media_items.load(item.id) == Versioned(item, 1)
    assert await repositories.media_items.find_by_storage_key(item.storage_key) == item


async def test_items_are_listed(repositories: Repositories) -> None:
    chosen = ItemFilter(READY.owner_id, MediaKind.GIF, "Räder")

    assert await repositories.media_pages.list_page(chosen, 0, 10) == [READY]
    assert await repositories.media_cleanup.list_owned_by(READY.owner_id, 10) == [
        Versioned(READY, 1)
    ]
    assert await repositories.media_cleanup.list_expired_uploads(START + 10 * MINUTE, 10) == [
        Versioned(PENDING, 1)
    ]
    assert await repositories.media_cleanup.list_deleting(START + 20 * MINUTE, 10) == [
        Versioned(DELETING, 1)
    ]


async def test_a_reservation_counts(repositories: Repositories) -> None:
    reservation = Reservation("second", START + MINUTE, (LIMIT,))

    assert await repositories.rate_limiter.next_available(reservation) == START + 60 * MINUTE


async def test_a_record_can_be_replaced(repositories: Repositories) -> None:
    signed_out = ADMINISTRATOR.revoke_session(ADMINISTRATOR.sessions[0].id)

    assert await repositories.identities.replace(signed_out, 1)
    assert await repositories.identities.load(ADMINISTRATOR.id) == Versioned(signed_out, 2)


@pytest.mark.parametrize("schema_version", [1], indirect=True)
async def test_after_a_cleanup_the_database_of_version_1_contains_no_client_ip(
    mongo_database: str, database: Database[dict[str, Any]]
) -> None:
    database["rate_limits"].insert_one({"_id": "deliveries:ip:203.0.113.7 #0"})

    async with open_mongo_repositories(mongo_database, FakePhoneEncryption()) as repositories:
        assert await repositories.phone_verifications.prune(START, 10) == 2
        verification = (await repositories.phone_verifications.load(PHONE)).value

    assert verification == VERIFICATION.prune(START)
    names = database.list_collection_names()
    stored = json_util.dumps({name: [*database[name].find()] for name in names})
    assert "203.0.113." not in stored
    assert "2001:db8:" not in stored

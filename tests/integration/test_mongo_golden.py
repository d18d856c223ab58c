"""A database that schema version 1 wrote is read by every later version.

Never write the file again: a renamed field would not be noticed. In each kind of record every field
has a value other than its default.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from bson import json_util
from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from application.ports.records import Records
from application.ports.versioned import Versioned
from domain.identities.identity import Identity, Role, User
from domain.identities.session import Lineage, Session
from domain.identities.username import Username
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.media.picture import MediaKind, Picture, PictureFormat
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Budget, Draw
from domain.sign_in.challenge import Challenge, Purpose
from domain.sign_in.phone_record import KnownAddress, PhoneRecord
from domain.sign_in.send import Send
from domain.sign_in.tries import AddressTry, UnboundTries
from domain.sign_in.window import Window
from tests.fakes.seal import FakeSeal

GOLDEN: Final = Path(__file__).with_name("golden") / "mongo_schema_1.json"

START: Final = datetime(2026, 5, 1, 9, 30, 0, 123_000, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
PHONE: Final = PhoneNumber("+14155552671")
BLOCKED_PHONE: Final = PhoneNumber("+14155552672")

CHALLENGE: Final = Challenge(
    id="69f4720800000000000000c1",
    purpose=Purpose.SIGN_IN,
    nonce=bytes.fromhex("00112233445566778899aabbccddeeff"),
    key_id="pepper-1",
    created=START,
    expires=START + 5 * MINUTE,
    spent=True,
)
DELIVERY: Final = Send(
    request_id="bm90LWEtcmVxdWVzdC1pZA",
    challenge_id=CHALLENGE.id,
    address="203.0.113.7",
    at=START + MINUTE,
    reserved=True,
    tries_used=3,
)
VERIFICATION: Final = PhoneRecord(
    challenges=(CHALLENGE,),
    sends=(DELIVERY,),
    unbound_tries=UnboundTries(
        of_addresses=(AddressTry("2001:db8:1:2::/64", START + 2 * MINUTE),),
        of_pool=(START + 3 * MINUTE,),
    ),
    known_addresses=(KnownAddress("203.0.113.8", START + 4 * MINUTE),),
    identity_id="69f472080000000000000001",
)
BLOCKED_VERIFICATION: Final = PhoneRecord(
    identity_id="69f472080000000000000003", blocked=START + MINUTE
)
ADMINISTRATOR: Final = Identity(
    id="69f472080000000000000001",
    phone=PHONE,
    created=START,
    role=Role.ADMINISTRATOR,
    user=User(Username("Zoë Quéré"), START + MINUTE),
    sessions=(
        Session(
            id="69f4720800000000000000a1",
            created=START + 2 * MINUTE,
            expires=START + 3 * MINUTE,
            device="Pixel 8",
            used=START + 4 * MINUTE,
            lineage=Lineage(
                nonce=bytes.fromhex("ffeeddccbbaa99887766554433221100"),
                rotated=START + 5 * MINUTE,
                generation=6,
            ),
        ),
        Session(
            id="69f4720800000000000000a2",
            created=START + 6 * MINUTE,
            expires=START + 7 * MINUTE,
        ),
    ),
)
DELETED: Final = Identity(
    id="69f472080000000000000002",
    phone=None,
    created=START,
    user=User(Username("Gone"), START + MINUTE),
    deleted=START + 2 * MINUTE,
    swept=True,
)
BLOCKED: Final = Identity(
    id="69f472080000000000000003", phone=None, created=START, blocked=START + 2 * MINUTE
)
UNPURGED: Final = Identity(
    id="69f472080000000000000004",
    phone=BLOCKED_PHONE,
    created=START,
    deleted=START + 3 * MINUTE,
)
READY: Final = MediaItem(
    id="69f4720800000000000000d1",
    owner=ADMINISTRATOR.id,
    key="000102030405060708090a0b0c0d0e0f.gif",
    picture=Picture(PictureFormat.GIF, width=64, height=32, bytes=4096),
    category="Räder",
    created=START,
    state=ItemState.READY,
    lease_until=START + 10 * MINUTE,
)
DELETING: Final = MediaItem(
    id="69f4720800000000000000d2",
    owner=DELETED.id,
    key="101112131415161718191a1b1c1d1e1f.jpg",
    picture=Picture(PictureFormat.JPEG, width=640, height=480, bytes=51_200),
    category=None,
    created=START,
    state=ItemState.DOOMED,
    lease_until=START + 10 * MINUTE,
    doomed=START + 20 * MINUTE,
)
PENDING: Final = MediaItem(
    id="69f4720800000000000000d3",
    owner=BLOCKED.id,
    key="202122232425262728292a2b2c2d2e2f.png",
    picture=Picture(PictureFormat.PNG, width=16, height=8, bytes=512),
    category=None,
    created=START,
    state=ItemState.PENDING,
    lease_until=START + 10 * MINUTE,
)
LIMIT: Final = Budget("deliveries to US", Window(1, 60 * MINUTE))


@pytest.fixture
async def records(mongo_database: str) -> AsyncIterator[Records]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        for collection, documents in json_util.loads(GOLDEN.read_text("utf-8")).items():
            database[collection].insert_many(documents)
    async with open_mongo_repositories(mongo_database, FakeSeal()) as records:
        yield records


@pytest.mark.parametrize(
    ("phone", "verification"), [(PHONE, VERIFICATION), (BLOCKED_PHONE, BLOCKED_VERIFICATION)]
)
async def test_a_phone_verification_is_read(
    records: Records, phone: PhoneNumber, verification: PhoneRecord
) -> None:
    assert (await records.phone_records.load(phone)).value == verification


@pytest.mark.parametrize("identity", [ADMINISTRATOR, DELETED, BLOCKED, UNPURGED])
async def test_an_identity_is_read(records: Records, identity: Identity) -> None:
    assert await records.identities.load(identity.id) == Versioned(identity, 1)


async def test_an_identity_is_found_by_its_username(records: Records) -> None:
    found = await records.identities.holder_of(Username("ZOË QUÉRÉ"))

    assert found == Versioned(ADMINISTRATOR, 1)


async def test_deleted_identities_are_found(records: Records) -> None:
    ids = [ADMINISTRATOR.id, DELETED.id, UNPURGED.id]

    assert await records.tombstones.among(ids) == {DELETED.id, UNPURGED.id}
    assert await records.tombstones.unswept(10) == [Versioned(UNPURGED, 1)]
    assert await records.tombstones.named_before(START + 2 * MINUTE, 10) == [Versioned(DELETED, 1)]


@pytest.mark.parametrize("item", [READY, DELETING, PENDING])
async def test_an_item_is_read(records: Records, item: MediaItem) -> None:
    assert await records.media_items.load(item.id) == Versioned(item, 1)
    assert await records.media_items.find(item.key) == item


async def test_items_are_listed(records: Records) -> None:
    chosen = ItemFilter(READY.owner, MediaKind.GIF, "Räder")

    assert await records.media_pages.read(chosen, 0, 10) == [READY]
    assert await records.media_leftovers.owned_by(READY.owner, 10) == [Versioned(READY, 1)]
    assert await records.media_leftovers.abandoned(START + 10 * MINUTE, 10) == [
        Versioned(PENDING, 1)
    ]
    assert await records.media_leftovers.doomed_before(START + 20 * MINUTE, 10) == [
        Versioned(DELETING, 1)
    ]


async def test_a_reservation_counts(records: Records) -> None:
    reservation = Draw("second", START + MINUTE, (LIMIT,))

    assert await records.budgets.free_at(reservation) == START + 60 * MINUTE


async def test_a_record_can_be_replaced(records: Records) -> None:
    signed_out = ADMINISTRATOR.signed_out(ADMINISTRATOR.sessions[0].id)

    assert await records.identities.replace(signed_out, 1)
    assert await records.identities.load(ADMINISTRATOR.id) == Versioned(signed_out, 2)

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import json_util
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import open_mongo_records
from adapters.mongo.documents import DOCUMENTS
from application.ports.repositories import Repositories
from domain.media.item import ItemState
from domain.otp.attempts import IpAttempt, UnboundAttempts
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from tests.support.builders import (
    ADDRESS,
    NOW,
    a_challenge,
    a_gif,
    a_phone,
    a_phone_record,
    a_send,
    a_session,
    a_tombstone,
    a_user,
    an_id,
    an_identity,
    an_item,
)
from tests.support.fakes.seal import FakeSeal

Mongo = Database[dict[str, Any]]

PHONE = a_phone(2671)
CODE = a_challenge().derive_code(b"a pepper", PHONE)
HIDDEN = {
    "the number": PHONE.e164,
    "its digits": PHONE.e164.removeprefix("+"),
    "its national digits": PHONE.e164.removeprefix("+1"),
    "the code": CODE,
}


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    """The database of the test, as somebody sees it who has a copy."""
    with MongoClient[dict[str, Any]](mongo_database) as client:
        aware = CodecOptions[dict[str, Any]](tz_aware=True)
        yield client.get_default_database(codec_options=aware)


async def use(records: Repositories) -> None:
    """Keep one of everything that there is, with everything that it can have."""
    record = PhoneVerification(
        challenges=(a_challenge(used_at=NOW),),
        deliveries=(a_send(uses_trusted_ip_quota=True, attempts_used=3),),
        unbound_attempts=UnboundAttempts((IpAttempt(ADDRESS, NOW),), (NOW,)),
        trusted_ips=(TrustedIp("2001:db8::/64", NOW),),
    )
    await records.phone_verifications.replace(PHONE, record, 0)
    loaded = await records.phone_verifications.load(PHONE)
    await records.phone_verifications.replace(
        PHONE, loaded.value.assign_identity(an_id()), loaded.version
    )
    await records.phone_verifications.replace(a_phone(2), a_phone_record(), 0)
    identity = an_identity(phone=PHONE, user=a_user(), sessions=(a_session(device="Pixel 8"),))
    await records.identities.add(identity)
    await records.identities.replace(identity, 1)
    await records.identities.add(a_tombstone(id=an_id(2), user=a_user("Zoë")).purge(NOW))
    await records.media_items.add(an_item(category="wheels"))
    await records.media_items.add(an_item(id=an_id(2), state=ItemState.PENDING))
    await records.media_items.add(a_gif(id=an_id(3)).mark_for_deletion(NOW))
    await records.health.check()


def documents(database: Mongo) -> dict[str, list[dict[str, Any]]]:
    return {name: list(database[name].find()) for name in database.list_collection_names()}


def told_by(kept: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Name what is found in the documents, as bytes and as what a shell shows of them."""
    shown = json.dumps(kept, default=json_util.default, ensure_ascii=False)
    content = shown.encode() + b"".join(map(bson.encode, itertools.chain(*kept.values())))
    assert b"Rahul Sharma" in content
    return [name for name, text in HIDDEN.items() if text.encode() in content]


async def test_the_documents_tell_no_phone_and_no_code(
    mongo_database: str, database: Mongo
) -> None:
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        await use(records)

    assert told_by(documents(database)) == []


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_searched_for_would_be_found(name: str) -> None:
    assert name in told_by({"users": [{"name": "Rahul Sharma", "said": HIDDEN[name]}]})


async def test_what_is_stored_is_what_the_documents_say(
    mongo_database: str, database: Mongo
) -> None:
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        await use(records)

        kept = documents(database)
        assert kept.keys() == {document.Settings.name for document in DOCUMENTS}
        for document in DOCUMENTS:
            declared = {"_id" if name == "id" else name for name in document.model_fields}
            for stored in kept[document.Settings.name]:
                document.model_validate(stored)
                assert stored.keys() <= declared


async def test_a_document_reads_well(mongo_database: str, database: Mongo) -> None:
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        await records.media_items.add(an_item(category="wheels"))

    assert database["media_items"].find_one() == {
        "_id": "000000000000000000000001",
        "owner": "000000000000000000000001",
        "key": "000000000000000000000001.jpg",
        "picture": {"format": "jpeg", "width": 640, "height": 480, "bytes": 51_200},
        "category": "wheels",
        "created": datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
        "state": "ready",
        "lease_until": datetime(2026, 5, 1, 9, 40, tzinfo=UTC),
        "version": 1,
        "kind": "image",
        "shown": datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
    }

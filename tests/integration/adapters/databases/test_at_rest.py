"""A copy of a database reveals no phone, no code and no client IP."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import bson
import psycopg
import pytest
from pymongo import MongoClient

from adapters.databases.sql.schema import tables
from adapters.security.encryption import AesPhoneEncryption
from application.webhook_urls import PhoneLabels
from domain.errors import TooManyOtpRequests
from domain.features.voice.call import CallStatus
from domain.identities.phone_change import PhoneChange
from domain.identities.username import parse_username
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import NOW, a_phone, an_identity
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing
from tests.support.repositories import (
    OpenRepositories,
    open_mongo_repositories,
    open_postgres_repositories,
    open_sqlite_repositories,
)

ENCRYPTION: Final = AesPhoneEncryption(
    b"index key of 32 bytes, for tests", FakeKeyRing(("0000000a", b"k" * 32)), SeededRandomness()
)
CLIENT_IPS: Final = ("203.0.113.7", "2001:db8:1:2::/64")
NETWORKS: Final = ("203.0.113.0/24", "2001:db8:1::/48")
Copy = Callable[[], bytes]
USERNAME: Final = "Rahul Sharma"


@asynccontextmanager
async def in_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[tuple[OpenRepositories, Copy]]:
    folder: Path = request.getfixturevalue("tmp_path")

    def copy() -> bytes:
        return b"".join(file.read_bytes() for file in folder.iterdir())

    async with open_sqlite_repositories(folder / "records.db", ENCRYPTION) as repositories:
        yield repositories, copy


@asynccontextmanager
async def in_mongo(request: pytest.FixtureRequest) -> AsyncIterator[tuple[OpenRepositories, Copy]]:
    url: str = request.getfixturevalue("mongo_database")

    def copy() -> bytes:
        with MongoClient[dict[str, Any]](url) as client:
            database = client.get_default_database()
            names = database.list_collection_names()
            return b"".join(bson.encode(each) for name in names for each in database[name].find())

    async with open_mongo_repositories(url, ENCRYPTION) as repositories:
        yield repositories, copy


@asynccontextmanager
async def in_postgres(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[OpenRepositories, Copy]]:
    url: str = request.getfixturevalue("postgres_database")

    def copy() -> bytes:
        with psycopg.connect(url, autocommit=True) as connection:
            rows = [row for name in tables() for row in connection.execute(f"TABLE {name}")]
            return repr(rows).encode()

    async with open_postgres_repositories(url, ENCRYPTION) as repositories:
        yield repositories, copy


@pytest.fixture(
    params=[
        in_sqlite,
        pytest.param(in_mongo, marks=pytest.mark.slow),
        pytest.param(in_postgres, marks=pytest.mark.slow),
    ],
    ids=lambda opened: opened.__name__,
)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[tuple[OpenRepositories, Copy]]:
    async with request.param(request) as opened:
        yield opened


async def test_a_copy_reveals_no_phone_no_code_and_no_client_ip(
    opened: tuple[OpenRepositories, Copy],
) -> None:
    repositories, copy = opened
    app = AppHarness(
        repositories=repositories,
        keyed_hashes=ENCRYPTION,
        policy=make_policy(webhook_urls=WEBHOOK_URLS),
    )
    phones = [a_phone(number) for number in range(1, 4)]
    codes = []
    for client_ip in CLIENT_IPS:
        for phone in phones:
            with suppress(TooManyOtpRequests):
                await app.request_otp(phone, client_ip)
                codes.append(app.last_code)
            await app.verify_otp("000000", phone, client_ip)
        app.advance(minutes=20)
    principal = await app.log_in(phones[0])
    await app.identities.create_user(principal, parse_username(USERNAME), phones[0])
    await app.identities.operator_actions.block(phones[1])
    await app.identities.operator_actions.block(a_phone(4))
    app.advance(hours=12)
    await app.request_otp(phones[0], channel=Channel.VOICE)
    (placed,) = app.call_provider.calls.values()
    call_id = placed.url.rpartition("/")[2]
    await app.voice.record_call_status(
        call_id,
        CallStatus.RINGING,
        provider_call_id="",
        labels=PhoneLabels("", ""),
    )
    codes.append(await app.code_of_last_call())
    await app.operations.cleanup()
    new, old = a_phone(5), a_phone(6)
    change = PhoneChange(new_phone=new, old_phone=old, started_at=NOW, attempted_at=NOW)
    await repositories.identities.add(an_identity(phone=old, phone_change=change))

    content = copy()

    assert USERNAME.encode() in content
    assert ENCRYPTION.hash_client_ip(CLIENT_IPS[0]).ip.encode() in content
    all_phones = [*phones, a_phone(4), new, old]
    digits = [phone.e164.removeprefix("+1") for phone in all_phones]
    ips = [*CLIENT_IPS, *NETWORKS, "203.0.113.", "2001:db8"]
    hashed = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in [*ips, *digits]]
    secrets = [*digits, *ips, *hashed, *(f'"{code}"' for code in codes)]
    assert len(codes) >= len(phones)
    assert [secret for secret in secrets if secret.encode() in content] == []
    # As a number of its own: six digits may be a part of a hash or of a time.
    assert [code for code in codes if bson.encode({"": code})[5:-1] in content] == []

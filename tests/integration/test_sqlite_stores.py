"""The stores over SQLite: damaged rows, and unknown fields."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.records.database import Database
from adapters.records.kinds import ENCRYPTED_PHONE, LEASES, PHONE_VERIFICATIONS
from adapters.records.leases import LeaseRecord
from adapters.records.phone_verifications import PhoneVerificationRecord
from adapters.sqlite import change_index_key, check_unused, open_sqlite_database
from application.ports.errors import ConfigurationError, CorruptRecord
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW, a_phone, a_phone_verification
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_sqlite_repositories

OLD = FakePhoneEncryption(b"the old key")
NEW = FakePhoneEncryption(b"the new key")
NOT_UTF_8 = b"\xff"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with open_sqlite_database(path, "keys") as database:
        yield database


@pytest.fixture
def connection(database: Database, path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def limit_of(subject: str, permits: int = 5) -> RateLimit:
    window = SlidingWindow(permits, timedelta(hours=1))
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", window)


def reserve(*subjects: str) -> Reservation:
    return Reservation(NOW, tuple(map(limit_of, subjects)))


def expired_at(time: datetime) -> LeaseRecord:
    return LeaseRecord(expires_at=time)


def damage(connection: sqlite3.Connection, table: str, body: object) -> None:
    sql = f"UPDATE {table} SET body = CAST(? AS TEXT) WHERE id LIKE 'damaged%'"  # noqa: S608
    assert connection.execute(sql, (body,)).rowcount == 1


@pytest.mark.parametrize("body", ["{", "[]", '{"schema_version": 1}', NOT_UTF_8])
async def test_a_damaged_record_fails_those_only_who_want_it(
    database: Database, connection: sqlite3.Connection, body: object
) -> None:
    for record_id in ("damaged", "a"):
        await database.records.add(LEASES, record_id, expired_at(NOW), 7)
    damage(connection, "instance_leases", body)

    others, wanted = await asyncio.gather(
        database.records.load(LEASES, ["a", "b"]),
        database.records.load(LEASES, ["damaged"]),
        return_exceptions=True,
    )

    assert isinstance(wanted, CorruptRecord)
    assert not isinstance(others, BaseException)
    assert list(others) == ["a"]
    with pytest.raises(CorruptRecord):
        await database.records.scan(LEASES, "", 10)
    assert [stored.id for stored in await database.records.scan(LEASES, "", 1)] == ["a"]


@pytest.mark.parametrize("body", ["{", "[]", '{"windows": 1}', NOT_UTF_8])
async def test_a_damaged_limit_fails_those_only_who_need_it(
    database: Database, connection: sqlite3.Connection, body: object
) -> None:
    await database.limits.acquire(reserve("damaged"))
    damage(connection, "limits", body)

    others, acquired, available = await asyncio.gather(
        database.limits.acquire(reserve("a")),
        database.limits.acquire(reserve("damaged", "b")),
        database.limits.next_available(reserve("damaged")),
        return_exceptions=True,
    )

    assert isinstance(acquired, CorruptRecord)
    assert isinstance(available, CorruptRecord)
    assert not isinstance(others, BaseException)
    assert isinstance(others[0], Acquisition)
    ids = {row[0] for row in connection.execute("SELECT id FROM limits")}
    assert ids == {"damaged:deliveries", "a:deliveries"}


def body_of(connection: sqlite3.Connection, table: str) -> Any:
    [(body,)] = connection.execute(f"SELECT body FROM {table}")  # noqa: S608
    return json.loads(body)


async def test_unknown_fields_and_windows_of_a_limit_are_kept(
    database: Database, connection: sqlite3.Connection
) -> None:
    await database.limits.acquire(reserve("a"))
    window = '{"counters": {"1777627800000": 3}, "total": 3}'
    connection.execute(
        "UPDATE limits SET body = json_set(body, '$.new', json('[1]'), '$.windows.new', json(?))",
        (window,),
    )

    [acquired] = await database.limits.acquire(reserve("a"))
    assert isinstance(acquired, Acquisition)
    await database.limits.release(acquired)

    body = body_of(connection, "limits")
    assert body["new"] == [1]
    assert body["windows"]["new"] == json.loads(window)
    assert body["windows"]["requests"]["total"] == 1


async def test_many_limits_are_one_call(database: Database) -> None:
    subjects = [f"phone:{number}" for number in range(250)]

    acquired = await database.limits.acquire(*[reserve("total2", one) for one in subjects])

    assert [isinstance(one, Acquisition) for one in acquired] == [True] * 5 + [False] * 245


async def test_ids_are_any_text(database: Database) -> None:
    ids = ["a\0b", "a", 'quote"\\', "\u00e9\U0001f600", "%_", "x" * 200]
    for record_id in ids:
        assert await database.records.add(LEASES, record_id, expired_at(NOW), 1)

    assert list((await database.records.load(LEASES, ids)).keys()) == ids
    scanned = [stored.id for stored in await database.records.scan(LEASES, "", 10)]
    assert scanned == sorted(ids)
    for record_id in ids:
        assert await database.records.replace(LEASES, record_id, expired_at(NOW), 1)
        assert await database.records.delete(LEASES, record_id, 2)


async def test_no_record_has_a_text_that_is_no_unicode(database: Database) -> None:
    assert await database.records.load(LEASES, ["\ud800"]) == {}
    assert not await database.records.replace(LEASES, "\ud800", expired_at(NOW), 1)
    assert not await database.records.delete(LEASES, "\ud800", 1)


async def test_a_moved_record_keeps_unknown_fields_and_replaces_the_rest(
    database: Database, connection: sqlite3.Connection
) -> None:
    store = database.records
    record = PhoneVerificationRecord(encrypted_phone=b"old", blocked_at=NOW, expires_at=NOW)
    await store.add(PHONE_VERIFICATIONS, "old", record, 7)
    connection.execute("UPDATE phone_verifications SET body = json_set(body, '$.new', 1)")
    # It was interrupted before.
    await store.add(PHONE_VERIFICATIONS, "new", record, 3)

    moved = PhoneVerificationRecord(encrypted_phone=b"new", blocked_at=NOW)
    await store.move(PHONE_VERIFICATIONS, "old", "new", moved, 7)

    [stored] = await store.scan(PHONE_VERIFICATIONS, "", 10)
    assert (stored.id, stored.record, stored.version) == ("new", moved, 8)
    assert body_of(connection, "phone_verifications")["new"] == 1
    await store.move(PHONE_VERIFICATIONS, "old", "new", record, 7)
    assert await store.scan(PHONE_VERIFICATIONS, "", 10) == [stored]


async def test_a_field_that_is_written_once_is_overwritten_on_purpose(database: Database) -> None:
    store = database.records
    record = PhoneVerificationRecord(encrypted_phone=b"first", blocked_at=NOW)
    await store.add(PHONE_VERIFICATIONS, "a", record, 1)
    changed = PhoneVerificationRecord(encrypted_phone=b"second", blocked_at=NOW)

    assert await store.replace(PHONE_VERIFICATIONS, "a", changed, 1)
    kept = (await store.load(PHONE_VERIFICATIONS, ["a"]))["a"]
    assert not await store.overwrite(PHONE_VERIFICATIONS, "a", ENCRYPTED_PHONE, b"third", 1)
    assert await store.overwrite(PHONE_VERIFICATIONS, "a", ENCRYPTED_PHONE, b"third", 2)
    overwritten = (await store.load(PHONE_VERIFICATIONS, ["a"]))["a"]

    assert (kept.record.encrypted_phone, kept.version) == (b"first", 2)
    assert (overwritten.record.encrypted_phone, overwritten.version) == (b"third", 3)


async def add_blocked(path: Path) -> None:
    async with open_sqlite_repositories(path, OLD) as repositories:
        blocked = a_phone_verification(blocked_at=NOW)
        assert await repositories.phone_verifications.save(a_phone(), blocked, 0)
        # It expires.
        assert await repositories.phone_verifications.save(
            a_phone(2), a_phone_verification(identity_id=None), 0
        )
        await repositories.stores.limits.acquire(reserve("a"))


async def test_the_index_key_is_changed_while_nobody_uses_the_file(path: Path) -> None:
    await add_blocked(path)
    async with open_sqlite_database(path, OLD.key_fingerprint()):
        with pytest.raises(ConfigurationError, match="is in use"):
            await check_unused(path, OLD, NOW)
    await check_unused(path, OLD, NOW)

    assert await change_index_key(path, OLD, NEW, NOW) == 1
    assert await change_index_key(path, OLD, NEW, NOW) == 1

    async with open_sqlite_repositories(path, NEW) as repositories:
        loaded = await repositories.phone_verifications.load(a_phone())
        assert loaded.value.blocked_at == NOW
        assert (await repositories.phone_verifications.load(a_phone(2))).version == 0
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM limits").fetchone() == (0,)

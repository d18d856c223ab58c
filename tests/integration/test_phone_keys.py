"""Changing the index key and the encryption key of stored phones."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from pymongo import MongoClient

from adapters import mongo, postgres, sqlite
from adapters.encryption import AesPhoneEncryption
from adapters.records.database import Database
from adapters.records.features.phone_change import make_phone_change_repositories
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_keys import ReportProgress, reencrypt_phones
from application.ports.errors import ConfigurationError
from application.ports.phone_change import PhoneAssignmentsRepository
from application.ports.versioned import Versioned
from domain.identities.phone_change import UNDO_PERIOD, PhoneChange
from domain.identities.phone_changes import PhoneChanges
from domain.instance import Instance
from domain.otp.callbacks import PhoneCallbacks
from domain.otp.deliveries import Deliveries
from domain.otp.delivery import Channel
from domain.otp.hold import Hold
from domain.otp.permits import Recognition
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.otp.rate_limits import DeliveryRoute, RateLimits
from domain.otp.unchallenged_attempts import UnchallengedAttempts
from domain.phone import PhoneNumber
from domain.phone_change.phone_assignment import PhoneAssignments
from tests.integration.mongo_support import with_metadata_of
from tests.integration.postgres_support import emptied_database
from tests.support.builders import (
    NOW,
    a_callback,
    a_hashed_ip,
    a_phone,
    a_phone_verification,
    an_id,
    an_identity,
)
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing
from tests.support.repositories import OpenRepositories, open_repositories

FIRST, SECOND = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)


def encryption(index_key: bytes, *keys: tuple[str, bytes]) -> AesPhoneEncryption:
    return AesPhoneEncryption(index_key * 32, FakeKeyRing(*(keys or (FIRST,))), SeededRandomness())


OLD, NEW = encryption(b"o"), encryption(b"n")
OWNER, BLOCKED_OWNER, BLOCKED, STRANGER, OLD_PHONE, NEW_PHONE, HELD_PHONE = map(
    a_phone, range(1, 8)
)
CHANGE: Final = PhoneChange(
    new_phone=NEW_PHONE, old_phone=OLD_PHONE, started_at=NOW, attempted_at=NOW
)
ASSIGNED: Final = PhoneAssignments(id=an_id(3)).add(CHANGE, NOW)
CHANGING: Final = an_identity(id=an_id(3), phone=OLD_PHONE, phone_changes=PhoneChanges(CHANGE))


class Crash(Exception):
    """The process is killed."""


@dataclass
class CrashingEncryption(AesPhoneEncryption):
    """Encryption with a new index key, in a process that is killed after some calls."""

    calls_left: int

    def __post_init__(self) -> None:
        super().__init__(b"n" * 32, FakeKeyRing(FIRST), SeededRandomness())

    def blind_index(self, phone: PhoneNumber) -> str:
        self.calls_left -= 1
        if self.calls_left < 0:
            raise Crash
        return super().blind_index(phone)


@dataclass(frozen=True)
class DatabaseKind:
    """A kind of database: how it is opened, and its jobs."""

    open_database: Callable[[str], AbstractAsyncContextManager[Database]]
    change: Callable[..., Awaitable[int]]
    add_unknown_fields: Callable[[], object]
    count_unknown_fields: Callable[[], int]

    def open(self, encryption: PhoneEncryption) -> AbstractAsyncContextManager[OpenRepositories]:
        return open_repositories(self.open_database(encryption.key_fingerprint()), encryption)

    async def change_index_key(
        self, old: PhoneEncryption, new: PhoneEncryption, *options: ReportProgress
    ) -> int:
        return await self.change(old, new, NOW, *options)

    async def reencrypt(self, encryption: PhoneEncryption) -> int:
        async with self.open_database(encryption.key_fingerprint()) as database:
            return await reencrypt_phones(database.records, encryption)


def in_sqlite(request: pytest.FixtureRequest) -> DatabaseKind:
    path: Path = request.getfixturevalue("tmp_path") / "records.db"

    def execute(statement: str) -> int:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return len(connection.execute(statement).fetchall())

    add = "UPDATE phone_verifications SET body = json_set(body, '$.unknown', 1)"
    find = "SELECT 1 FROM phone_verifications WHERE json_extract(body, '$.unknown') = 1"
    return DatabaseKind(
        partial(sqlite.open_sqlite_database, path),
        partial(sqlite.change_index_key, path),
        partial(execute, add),
        partial(execute, find),
    )


def in_mongo(request: pytest.FixtureRequest) -> DatabaseKind:
    url: str = request.getfixturevalue("emptied_mongo_database")
    stack = ExitStack()
    request.addfinalizer(stack.close)
    stack.enter_context(with_metadata_of(url, OLD.key_fingerprint()))

    client: MongoClient[dict[str, Any]] = MongoClient(url)
    request.addfinalizer(client.close)
    verifications = client.get_default_database()["phone_verifications"]
    return DatabaseKind(
        partial(mongo.open_mongo_database, url),
        partial(mongo.change_index_key, url),
        lambda: verifications.update_many({}, {"$set": {"unknown": 1}}),
        lambda: verifications.count_documents({"unknown": 1}),
    )


def in_postgres(request: pytest.FixtureRequest) -> DatabaseKind:
    stack = ExitStack()
    request.addfinalizer(stack.close)
    url = stack.enter_context(emptied_database(request, OLD.key_fingerprint()))

    def execute(statement: str) -> int:
        with psycopg.connect(url, autocommit=True) as connection:
            return len(connection.execute(statement).fetchall())

    add = "UPDATE phone_verifications SET body = body || '{\"unknown\": 1}' RETURNING 1"
    find = "SELECT 1 FROM phone_verifications WHERE body @> '{\"unknown\": 1}'"
    return DatabaseKind(
        partial(postgres.open_postgres_database, url),
        partial(postgres.change_index_key, url),
        partial(execute, add),
        partial(execute, find),
    )


@pytest.fixture(params=[in_sqlite, in_mongo, in_postgres], ids=lambda kind: kind.__name__)
def database(request: pytest.FixtureRequest) -> DatabaseKind:
    kind: Callable[[pytest.FixtureRequest], DatabaseKind] = request.param
    return kind(request)


OWNED: Final = PhoneVerification(
    deliveries=Deliveries(shared_attempts=(NOW,)),
    trusted_ips=(TrustedIp("a hash", NOW),),
    identity_id=an_id(1),
    callbacks=PhoneCallbacks((a_callback(),)),
)


OF_CHANGE: Final = replace(OWNED, identity_id=CHANGING.id)
HELD: Final = replace(OWNED, identity_id=None, hold=Hold(an_id(4), NOW + UNDO_PERIOD))


def phone_assignments(
    repositories: OpenRepositories, encryption: PhoneEncryption
) -> PhoneAssignmentsRepository:
    return make_phone_change_repositories(repositories.stores, encryption).phone_assignments


async def fill(database: DatabaseKind) -> None:
    async with database.open(OLD) as repositories:
        verifications = repositories.phone_verifications
        await repositories.identities.add(an_identity(phone=OWNER))
        await repositories.identities.add(an_identity(id=an_id(2), phone=BLOCKED_OWNER))
        await verifications.save(OWNER, OWNED, 0)
        blocked = replace(OWNED, identity_id=an_id(2)).block(NOW)
        await verifications.save(BLOCKED_OWNER, blocked, 0)
        await verifications.save(BLOCKED, a_phone_verification().block(NOW), 0)
        await verifications.save(STRANGER, a_phone_verification(), 0)
        await repositories.identities.add(CHANGING)
        await phone_assignments(repositories, OLD).add(ASSIGNED)
        await verifications.save(NEW_PHONE, OF_CHANGE, 0)
        await verifications.save(OLD_PHONE, OF_CHANGE, 0)
        await verifications.save(HELD_PHONE, HELD, 0)
        route = DeliveryRoute(a_hashed_ip("2001:db8:1:2::/64"), "US", "a hash", "a hash")
        reservation = RateLimits().reserve_delivery(NOW, route, Recognition.NONE, Channel.SMS)
        await repositories.stores.limits.acquire(reservation)
        await repositories.unchallenged_attempts.add(
            UnchallengedAttempts("a hash:a hash").count("a digest", NOW)
        )


async def assert_moved(database: DatabaseKind) -> None:
    kept = replace(OWNED, trusted_ips=())
    async with database.open(NEW) as repositories:
        verifications = repositories.phone_verifications
        assert [
            (await verifications.load(phone)).value
            for phone in (OWNER, BLOCKED_OWNER, BLOCKED, STRANGER, NEW_PHONE, OLD_PHONE, HELD_PHONE)
        ] == [
            kept,
            replace(kept, identity_id=an_id(2), blocked_at=NOW),
            PhoneVerification(blocked_at=NOW),
            PhoneVerification(),
            replace(OF_CHANGE, trusted_ips=()),
            replace(OF_CHANGE, trusted_ips=()),
            replace(HELD, trusted_ips=()),
        ]
        # Hashes of client IPs, phones and number ranges are gone.
        expired = NOW + timedelta(days=1)
        assert await verifications.prune(expired, 10) == 5
        assert await repositories.stores.limits.delete_expired(expired, 20) == 0
        assert await repositories.unchallenged_attempts.delete_expired(expired, 20) == 0


async def test_all_phones_are_found_by_another_index_key(database: DatabaseKind) -> None:
    await fill(database)
    # Fields that this program does not know move too.
    database.add_unknown_fields()

    # A change that is finished can be repeated, and blocks can move again.
    for _ in range(2):
        assert await database.change_index_key(OLD, NEW) == 6
    assert database.count_unknown_fields() == 6
    await assert_moved(database)
    with pytest.raises(ConfigurationError, match="other keys"):
        async with database.open(OLD):
            pass
    newest = encryption(b"z")
    await database.change_index_key(NEW, newest)
    async with database.open(newest) as repositories:
        for phone in (BLOCKED, BLOCKED_OWNER):
            loaded = await repositories.phone_verifications.load(phone)
            assert loaded.value.blocked_at == NOW
        held = await repositories.phone_verifications.load(HELD_PHONE)
        assert held.value.hold == HELD.hold
        # It expires as before.
        assert await repositories.phone_verifications.prune(NOW + UNDO_PERIOD, 10) == 1
        assert await repositories.phone_verifications.delete_expired(NOW + UNDO_PERIOD, 10) == 1


async def test_an_interrupted_change_continues_and_no_service_starts_before(
    database: DatabaseKind,
) -> None:
    def crash_at_the_end(label: str, _: int, __: int | None) -> None:
        if label == "phone_verifications that are kept":
            raise Crash

    await fill(database)
    # The four phones of accounts have moved by then, as one batch, and the others have not.
    with pytest.raises(Crash):
        await database.change_index_key(OLD, CrashingEncryption(4))
    for keys in (OLD, NEW):
        with pytest.raises(ConfigurationError, match="run `dialtone rotate-index-key` again"):
            async with database.open(keys):
                pass
    with pytest.raises(Crash):
        await database.change_index_key(OLD, NEW, crash_at_the_end)

    assert await database.change_index_key(OLD, NEW) == 6
    await assert_moved(database)


async def test_the_index_key_of_a_database_in_use_is_not_changed(database: DatabaseKind) -> None:
    await fill(database)
    async with database.open(OLD) as repositories:
        # An instance on a server is known by its record, one on SQLite by the lock of the file.
        await repositories.instances.add(
            Instance("an id", "1", NOW, NOW, "dialtone", ("dialtone",))
        )
        with pytest.raises(ConfigurationError, match=r"stop the service|Stop all instances"):
            await asyncio.wait_for(database.change_index_key(OLD, NEW), 20)

    async with database.open(OLD):
        pass


async def test_phones_of_a_former_encryption_key_are_encrypted_again(
    database: DatabaseKind,
) -> None:
    await fill(database)

    assert await database.reencrypt(encryption(b"o", SECOND, FIRST)) == 7
    assert await database.reencrypt(encryption(b"o", SECOND, FIRST)) == 0

    # Without the former key.
    async with database.open(encryption(b"o", SECOND)) as repositories:
        identity = await repositories.identities.load(an_id(1))
        assert identity is not None
        assert identity.value.phone == OWNER
        blocked = await repositories.phone_verifications.load(BLOCKED)
        assert blocked.value == a_phone_verification().block(NOW)
        changing = await repositories.identities.load(CHANGING.id)
        assert changing == Versioned(CHANGING, 2)
        assigned = await phone_assignments(repositories, encryption(b"o", SECOND)).load(ASSIGNED.id)
        assert assigned is not None
        assert assigned.value == ASSIGNED

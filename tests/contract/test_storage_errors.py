"""The errors of repositories whose database, or whose encryption keys, are not available."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.encryption import AesPhoneEncryption
from adapters.mongo import open_mongo_repositories
from adapters.sqlite import open_sqlite_repositories
from application.ports.errors import CorruptRecord, StorageUnavailable
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.page import ItemFilter
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.page import Cursor
from tests.support.builders import (
    NOW,
    a_call,
    a_delivery_report,
    a_media_usage,
    a_phone,
    a_phone_verification,
    an_id,
    an_idempotency_key,
    an_identity,
    an_item,
)
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing

Operation = Callable[[Repositories], Awaitable[object]]
OpenWithEncryption = Callable[[AesPhoneEncryption], AbstractAsyncContextManager[Repositories]]

ANY = ItemFilter()
LIMIT = RateLimit("a limit", SlidingWindow(1, timedelta(hours=1)))
RESERVATION = Reservation("a request", NOW, (LIMIT,))
OPERATIONS: dict[str, Operation] = {
    "phone_verifications.load": lambda db: db.phone_verifications.load(a_phone()),
    "phone_verifications.replace": lambda db: db.phone_verifications.replace(
        a_phone(), a_phone_verification(), 0
    ),
    "phone_verifications.delete_expired": lambda db: db.phone_verifications.delete_expired(NOW, 1),
    "phone_verifications.prune": lambda db: db.phone_verifications.prune(NOW, 1),
    "rate_limiter.acquire": lambda db: db.rate_limiter.acquire(RESERVATION),
    "rate_limiter.acquire_each": lambda db: db.rate_limiter.acquire_each(RESERVATION),
    "rate_limiter.release": lambda db: db.rate_limiter.release(RESERVATION),
    "rate_limiter.next_available": lambda db: db.rate_limiter.next_available(RESERVATION),
    "rate_limiter.list_permits": lambda db: db.rate_limiter.list_permits(LIMIT, NOW),
    "rate_limiter.delete_expired": lambda db: db.rate_limiter.delete_expired(NOW, 1),
    "identities.load": lambda db: db.identities.load(an_id()),
    "identities.add": lambda db: db.identities.add(an_identity()),
    "identities.replace": lambda db: db.identities.replace(an_identity(), 1),
    "identities.find_by_username": lambda db: db.identities.find_by_username(Username("Zoë")),
    "identities.find_deleted": lambda db: db.identities.find_deleted([an_id()]),
    "identities.list_unpurged": lambda db: db.identities.list_unpurged(1),
    "identities.list_with_username": lambda db: db.identities.list_with_username(NOW, 1),
    "media_items.add": lambda db: db.media_items.add(an_item()),
    "media_items.load": lambda db: db.media_items.load(an_id()),
    "media_items.replace": lambda db: db.media_items.replace(an_item(), 1),
    "media_items.delete": lambda db: db.media_items.delete(an_id(), 1),
    "media_items.list_page": lambda db: db.media_items.list_page(ANY, 0, 1),
    "media_items.list_after": lambda db: db.media_items.list_after(ANY, Cursor(NOW, an_id()), 1),
    "media_items.count": lambda db: db.media_items.count(ANY, 10_001),
    "media_items.list_owned_by": lambda db: db.media_items.list_owned_by(an_id(), 1),
    "media_items.list_expired_uploads": lambda db: db.media_items.list_expired_uploads(NOW, 1),
    "media_items.list_deleting": lambda db: db.media_items.list_deleting(NOW, 1),
    "media_items.list_refused_deletions": lambda db: db.media_items.list_refused_deletions(1),
    "media_items.list_by_id": lambda db: db.media_items.list_by_id(an_id(), 1),
    "media_items.list_ready_sizes": lambda db: db.media_items.list_ready_sizes(an_id()),
    "media_items.list_deleting_ids": lambda db: db.media_items.list_deleting_ids(an_id(), NOW),
    "media_usages.load": lambda db: db.media_usages.load(an_id()),
    "media_usages.add": lambda db: db.media_usages.add(a_media_usage()),
    "media_usages.replace": lambda db: db.media_usages.replace(a_media_usage(), 1),
    "media_usages.delete": lambda db: db.media_usages.delete(an_id(), 1),
    "media_usages.list_due": lambda db: db.media_usages.list_due(NOW, 1),
    "idempotency_keys.load": lambda db: db.idempotency_keys.load("a key"),
    "idempotency_keys.add": lambda db: db.idempotency_keys.add(an_idempotency_key()),
    "idempotency_keys.replace": lambda db: db.idempotency_keys.replace(an_idempotency_key(), 1),
    "idempotency_keys.delete": lambda db: db.idempotency_keys.delete("a key", 1),
    "idempotency_keys.delete_expired": lambda db: db.idempotency_keys.delete_expired(NOW, 1),
    "calls.load": lambda db: db.calls.load(an_id()),
    "calls.add": lambda db: db.calls.add(a_call()),
    "calls.replace": lambda db: db.calls.replace(a_call(), 1),
    "calls.list_after": lambda db: db.calls.list_after(None, Cursor(NOW, an_id()), 1),
    "calls.list_after of an identity": lambda db: db.calls.list_after(an_id(), None, 1),
    "calls.list_started": lambda db: db.calls.list_started(NOW, 1),
    "calls.list_of_identity": lambda db: db.calls.list_of_identity(an_id(), 1),
    "calls.list_recorded": lambda db: db.calls.list_recorded(NOW, 1),
    "calls.list_unfinished": lambda db: db.calls.list_unfinished(NOW, 1),
    "identities.list_expired": lambda db: db.identities.list_expired(NOW, 1),
    "calls.delete": lambda db: db.calls.delete(an_id(), 1),
    "delivery_reports.load": lambda db: db.delivery_reports.load("a report"),
    "delivery_reports.add": lambda db: db.delivery_reports.add(a_delivery_report()),
    "delivery_reports.replace": lambda db: db.delivery_reports.replace(a_delivery_report(), 1),
    "delivery_reports.delete_expired": lambda db: db.delivery_reports.delete_expired(NOW, 1),
    "leases.acquire": lambda db: db.leases.acquire("cleanup", NOW, NOW),
}


async def test_each_operation_of_an_unusable_database_is_storage_unavailable(
    unusable_repositories: Repositories,
) -> None:
    for name, operation in OPERATIONS.items():
        result, *_ = await asyncio.gather(operation(unusable_repositories), return_exceptions=True)
        assert isinstance(result, StorageUnavailable), name


def sqlite(request: pytest.FixtureRequest) -> OpenWithEncryption:
    path: Path = request.getfixturevalue("tmp_path") / "dialtone.db"
    return lambda encryption: open_sqlite_repositories(path, encryption)


def mongo(request: pytest.FixtureRequest) -> OpenWithEncryption:
    url: str = request.getfixturevalue("mongo_database")
    return lambda encryption: open_mongo_repositories(url, encryption)


@pytest.mark.parametrize("database", [sqlite, mongo], ids=lambda database: database.__name__)
async def test_an_identity_without_its_encryption_key_is_a_corrupt_record(
    request: pytest.FixtureRequest, database: Callable[[pytest.FixtureRequest], OpenWithEncryption]
) -> None:
    open_repositories = database(request)
    async with open_repositories(encryption_with("0000000a")) as repositories:
        await repositories.identities.add(an_identity())

    async with open_repositories(encryption_with("0000000b")) as repositories:
        with pytest.raises(CorruptRecord):
            await repositories.identities.load(an_id())


def encryption_with(key_id: str) -> AesPhoneEncryption:
    return AesPhoneEncryption(b"i" * 32, FakeKeyRing((key_id, b"k" * 32)), SeededRandomness())

"""Changing the encryption key of stored phones."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.databases.records import outages
from adapters.databases.records.phone_keys import reencrypt_phones
from adapters.databases.records.record_store import RecordStore
from adapters.databases.sqlite import open_sqlite_database
from adapters.security.encryption import AesPhoneEncryption
from application.ports.errors import StorageUnavailable
from application.ports.versioned import Versioned
from domain.identities.phone_change import PhoneChange
from domain.otp.attempts import Failures
from domain.otp.permits import Clients
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.otp.rate_limits import DeliveryRoute, RateLimits
from tests.support.builders import (
    NOW,
    a_hashed_ip,
    a_phone,
    a_phone_verification,
    an_id,
    an_identity,
)
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing
from tests.support.repositories import OpenRepositories, open_sqlite_repositories

FIRST, SECOND = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)


def encryption(index_key: bytes, *keys: tuple[str, bytes]) -> AesPhoneEncryption:
    return AesPhoneEncryption(index_key * 32, FakeKeyRing(*(keys or (FIRST,))), SeededRandomness())


OLD = encryption(b"o")
OWNER, BLOCKED_OWNER, BLOCKED, STRANGER, OLD_PHONE, NEW_PHONE = map(a_phone, range(1, 7))
CHANGE: Final = PhoneChange(
    new_phone=NEW_PHONE, old_phone=OLD_PHONE, started_at=NOW, attempted_at=NOW
)
CHANGING: Final = an_identity(id=an_id(3), phone=OLD_PHONE, phone_change=CHANGE)
OWNED: Final = PhoneVerification(
    failures=Failures(3, NOW),
    trusted_ips=(TrustedIp("a hash", NOW),),
    identity_id=an_id(1),
)
OF_CHANGE: Final = replace(OWNED, identity_id=CHANGING.id)


async def fill_repositories(repositories: OpenRepositories) -> None:
    verifications = repositories.phone_verifications
    await repositories.identities.add(an_identity(phone=OWNER))
    await repositories.identities.add(an_identity(id=an_id(2), phone=BLOCKED_OWNER))
    await verifications.save(OWNER, OWNED, 0)
    blocked = replace(OWNED, identity_id=an_id(2)).block(NOW)
    await verifications.save(BLOCKED_OWNER, blocked, 0)
    await verifications.save(BLOCKED, a_phone_verification().block(NOW), 0)
    await verifications.save(STRANGER, a_phone_verification(), 0)
    await repositories.identities.add(CHANGING)
    await verifications.save(NEW_PHONE, OF_CHANGE, 0)
    await verifications.save(OLD_PHONE, OF_CHANGE, 0)
    route = DeliveryRoute(a_hashed_ip("2001:db8:1:2::/64"), "US", "a hash", "a hash")
    limits = RateLimits().of_delivery(route, Clients.STRANGERS)
    await repositories.stores.limits.acquire(limits, NOW)


class InterruptedStore:
    """A store whose first call of each method fails, as in an election."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._called = set[str]()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._store, name)

        @wraps(method)
        async def call(*args: Any, **kwargs: Any) -> Any:
            if name in self._called:
                return await method(*args, **kwargs)
            self._called.add(name)
            raise StorageUnavailable("no primary")

        return call


async def test_phones_of_a_former_encryption_key_are_encrypted_again_also_after_a_short_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "FIRST_PAUSE", 0.001)
    path, rotated = tmp_path / "records.db", encryption(b"o", SECOND, FIRST)
    async with open_sqlite_repositories(path, OLD) as repositories:
        await fill_repositories(repositories)
    async with open_sqlite_database(path, rotated.key_fingerprint()) as database:
        interrupted: Any = InterruptedStore(database.records)
        assert await reencrypt_phones(interrupted, rotated) == 5
        assert await reencrypt_phones(database.records, rotated) == 0

    # Without the former key.
    async with open_sqlite_repositories(path, encryption(b"o", SECOND)) as repositories:
        identity = await repositories.identities.load(an_id(1))
        assert identity is not None
        assert identity.value.phone == OWNER
        blocked = await repositories.phone_verifications.load(BLOCKED)
        assert blocked.value == a_phone_verification().block(NOW)
        changing = await repositories.identities.load(CHANGING.id)
        assert changing == Versioned(CHANGING, 2)

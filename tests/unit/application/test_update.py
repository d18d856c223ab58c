"""Optimistic concurrency: conflicts are retried, and unchanged records are not written."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from application.identities.users import CreateUserCommand, reserve_username
from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import VerifyOtpCommand
from application.ports.errors import ConcurrencyConflict, UniqueViolation
from application.ports.versioned import Versioned
from application.update import (
    MAX_RETRIES,
    save_identity,
    update,
    update_identity,
    update_phone_verification,
)
from domain.errors import Unauthenticated, UsernameInUse, UserSaveFailed
from domain.identities.identity import Identity, Role
from domain.identities.username import parse_username
from domain.media.item import MediaItem
from domain.otp.challenge import parse_otp_code
from domain.otp.phone_verification import PhoneVerification
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, NOW, a_deleted_identity, a_phone, an_id, an_identity
from tests.support.fakes.database import (
    InMemoryDatabase,
    InMemoryIdentities,
    InMemoryMediaItems,
    InMemoryPhoneVerifications,
)


@dataclass
class Counter:
    """A record with one number. Other writers increase it `conflicts` times before a write."""

    value: int = 0
    version: int = 1
    conflicts: int = 0
    loads: int = 0
    writes: list[int] = field(default_factory=list)

    async def load(self) -> Versioned[int]:
        self.loads += 1
        return Versioned(self.value, self.version)

    async def replace(self, value: int, version: int) -> bool:
        if self.conflicts:
            self.conflicts -= 1
            self.value, self.version = self.value + 10, self.version + 1
        if version != self.version:
            return False
        self.writes.append(value)
        self.value, self.version = value, version + 1
        return True

    async def increase(self) -> int:
        return await update(self.load, self.replace, lambda value: (value + 1, value + 1))


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the delays, which are always the maximum."""
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr(random, "uniform", lambda _, maximum: maximum)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return delays


async def test_an_update_writes_the_changed_record_once() -> None:
    counter = Counter()
    assert await counter.increase() == 1
    assert (counter.value, counter.loads, counter.writes) == (1, 1, [1])


async def test_an_unchanged_record_is_not_written() -> None:
    counter = Counter(value=7, conflicts=1)
    assert await update(counter.load, counter.replace, lambda value: (value, "as it is")) == (
        "as it is"
    )
    assert counter.writes == []


async def test_an_error_of_the_change_writes_nothing() -> None:
    counter = Counter()

    def fail(value: int) -> tuple[int, None]:
        raise Unauthenticated

    with pytest.raises(Unauthenticated):
        await update(counter.load, counter.replace, fail)
    assert counter.writes == []


async def test_a_loaded_record_is_not_loaded_again() -> None:
    counter = Counter()
    loaded = Versioned(0, 1)
    await update(counter.load, counter.replace, lambda value: (value + 1, None), loaded)
    assert (counter.loads, counter.writes) == (0, [1])


async def test_a_stale_loaded_record_is_loaded_again() -> None:
    counter = Counter(value=5, version=2)
    loaded = Versioned(0, 1)
    await update(counter.load, counter.replace, lambda value: (value + 1, None), loaded)
    assert (counter.loads, counter.writes) == (1, [6])


async def test_a_conflict_is_retried_with_the_latest_record() -> None:
    counter = Counter(conflicts=2)
    assert await counter.increase() == 21
    assert (counter.loads, counter.writes) == (3, [21])


@pytest.mark.parametrize(("conflicts", "delayed"), [(0, 0), (1, 0), (3, 0), (4, 1), (10, 7)])
async def test_retries_have_jitter_only_after_three_conflicts(
    delays: list[float], conflicts: int, delayed: int
) -> None:
    await Counter(conflicts=conflicts).increase()
    assert delays == [0.02] * delayed


async def test_the_last_retry_may_succeed(delays: list[float]) -> None:
    counter = Counter(conflicts=MAX_RETRIES - 1)
    await counter.increase()
    assert len(counter.writes) == 1


async def test_too_many_conflicts_are_an_error(delays: list[float]) -> None:
    counter = Counter(conflicts=1000)
    with pytest.raises(ConcurrencyConflict):
        await counter.increase()
    assert (counter.loads, counter.writes) == (MAX_RETRIES, [])


async def test_parallel_updates_are_all_counted() -> None:
    database = InMemoryDatabase()
    verifications = database.repositories().phone_verifications
    seen: list[str | None] = []

    def assign(identity_id: str) -> Callable[[PhoneVerification], tuple[PhoneVerification, None]]:
        def change(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            seen.append(verification.identity_id)
            return verification.assign_identity(identity_id), None

        return change

    await asyncio.gather(
        update_phone_verification(verifications, a_phone(), assign("first")),
        update_phone_verification(verifications, a_phone(), assign("second")),
    )
    assert seen == [None, None, "first"]
    assert database.phone_verifications[a_phone()].value.identity_id == "second"


async def test_deleted_and_unknown_identities_are_not_updated() -> None:
    database = InMemoryDatabase()
    await database.repositories().identities.add(a_deleted_identity())
    for identity_id in (a_deleted_identity().id, "unknown"):
        with pytest.raises(Unauthenticated):
            await update_identity(InMemoryIdentities(database), identity_id, Identity.promote)


async def test_an_unchanged_identity_is_returned_and_not_written() -> None:
    database = InMemoryDatabase()
    await database.repositories().identities.add(an_identity())
    identities = ContendedIdentities(database)
    assert await update_identity(identities, an_identity().id, lambda same: same) == an_identity()


async def test_an_unknown_identity_is_added(app: AppHarness) -> None:
    identities = app.database.repositories().identities
    assert await save_identity(identities, an_id(), lambda _: an_identity()) == an_identity()
    assert app.database.identities[an_id()] == Versioned(an_identity(), 1)


async def test_an_identity_that_is_added_at_the_same_time_is_changed(app: AppHarness) -> None:
    identities = app.database.repositories().identities

    def change(identity: Identity | None) -> Identity:
        return (identity or an_identity()).promote()

    app.faults.run_at(2, lambda: identities.add(an_identity()))
    saved = await save_identity(identities, an_id(), change)
    assert saved.is_administrator
    assert app.database.identities[an_id()] == Versioned(saved, 2)


# Use cases


class ContendedIdentities(InMemoryIdentities):
    """Identities that another writer changes before each write."""

    async def replace(self, identity: Identity, version: int) -> bool:
        return False


class ContendedItems(InMemoryMediaItems):
    """Items that another writer changes before each write."""

    async def replace(self, item: MediaItem, version: int) -> bool:
        return False


class ContendedPhoneVerifications(InMemoryPhoneVerifications):
    """Phone verifications that another writer changes before each write."""

    async def replace(self, *_: object) -> bool:
        return False


async def test_a_username_that_is_taken_again_is_in_use() -> None:
    async def save() -> None:
        raise UniqueViolation("taken a moment ago")

    identities = InMemoryIdentities(InMemoryDatabase())
    with pytest.raises(UsernameInUse):
        await reserve_username(identities, parse_username("Rahul"), NOW, save)


async def test_use_cases_give_up_after_too_many_conflicts(app: AppHarness) -> None:
    user, identity = await app.add_user(a_phone(1)), await app.log_in(a_phone(2))
    item_id = (await app.upload_image(user)).item.id
    app.advance(3600)
    await app.request_otp(a_phone(2))
    attempt = VerifyOtpCommand(a_phone(2), parse_otp_code(app.last_code), CLIENT_IP)
    new_user = CreateUserCommand(identity, parse_username("Priya"), a_phone(2))
    contended = app.database
    identities, items = ContendedIdentities(contended), ContendedItems(contended)
    verifications = ContendedPhoneVerifications(contended)
    use_cases = app.use_cases
    add_session = replace(use_cases.verify_otp.add_session, identities=identities)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: replace(use_cases.categorize_item, media_items=items)(user, item_id, "Party"),
        lambda: replace(use_cases.delete_item, media_items=items)(user, item_id),
        lambda: replace(use_cases.request_otp, phone_verifications=verifications)(
            RequestOtpCommand(a_phone(3), CLIENT_IP)
        ),
        lambda: replace(use_cases.verify_otp, add_session=add_session)(attempt),
        lambda: replace(use_cases.logout, identities=identities)(user),
        lambda: replace(use_cases.delete_user, identities=identities)(user),
        lambda: replace(use_cases.rename_user, identities=identities)(
            user, parse_username("Priya")
        ),
        lambda: replace(use_cases.change_role, identities=identities)(
            user.identity.id, Role.ADMINISTRATOR
        ),
        lambda: replace(use_cases.block_phone, identities=identities)(a_phone(1)),
    ]
    for call in calls:
        with pytest.raises(ConcurrencyConflict):
            await call()
    with pytest.raises(UserSaveFailed):
        await replace(use_cases.create_user, identities=identities)(new_user)

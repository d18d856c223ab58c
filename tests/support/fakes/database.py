"""Repositories in memory. Each call lets other tasks run before it acts, so that races are real."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from application.ports.errors import StorageUnavailable, UniqueViolation
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.media.item import MediaItem
from domain.otp import rate_limits
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber
from domain.voice.call import Call
from tests.support.fakes.calls import InMemoryCallCleanup, InMemoryCallPages, InMemoryCalls
from tests.support.fakes.media_items import (
    InMemoryMediaCleanup,
    InMemoryMediaItems,
    InMemoryMediaPages,
)
from tests.support.fakes.records import Records, Repository
from tests.support.fault_injector import FaultInjector


class Permit(NamedTuple):
    """A permit of a rate limit that a reservation holds."""

    limit: str
    reservation_id: str
    acquired_at: datetime
    expires_at: datetime


@dataclass(slots=True)
class InMemoryDatabase:
    """The stored records. While `is_unavailable`, every call raises StorageUnavailable."""

    phone_verifications: dict[PhoneNumber, Versioned[PhoneVerification]] = field(
        default_factory=dict
    )
    identities: dict[str, Versioned[Identity]] = field(default_factory=dict)
    media_items: dict[str, Versioned[MediaItem]] = field(default_factory=dict)
    calls: dict[str, Versioned[Call]] = field(default_factory=dict)
    delivery_reports: dict[str, Versioned[DeliveryReport]] = field(default_factory=dict)
    permits: dict[str, set[Permit]] = field(default_factory=lambda: defaultdict(set))
    leases: dict[str, datetime] = field(default_factory=dict)
    versions: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    is_unavailable: bool = False
    faults: FaultInjector = field(default_factory=FaultInjector)

    def repositories(self) -> Repositories:
        """Return all repositories over this database."""
        return Repositories(
            phone_verifications=InMemoryPhoneVerifications(self),
            rate_limiter=InMemoryRateLimiter(self),
            identities=InMemoryIdentities(self),
            deleted_identities=InMemoryDeletedIdentities(self),
            media_items=InMemoryMediaItems(self),
            media_pages=InMemoryMediaPages(self),
            media_cleanup=InMemoryMediaCleanup(self),
            calls=InMemoryCalls(self),
            call_pages=InMemoryCallPages(self),
            call_cleanup=InMemoryCallCleanup(self),
            delivery_reports=InMemoryDeliveryReports(self),
            leases=InMemoryLeases(self),
            health=InMemoryHealthCheck(self),
        )

    @asynccontextmanager
    async def open_repositories(self) -> AsyncIterator[Repositories]:
        """Yield the repositories, as adapters do when they are opened."""
        yield self.repositories()

    async def call(self, operation: str) -> None:
        """Let other tasks run, as a call to a real database does."""
        await asyncio.sleep(0)
        if self.is_unavailable:
            raise StorageUnavailable("unavailable")
        await self.faults.on_call(operation, StorageUnavailable)


class InMemoryPhoneVerifications(Repository):
    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        await self.database.call("phone_verifications.load")
        return self.database.phone_verifications.get(phone, Versioned(PhoneVerification(), 0))

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        await self.database.call("phone_verifications.replace")
        stored = self.database.phone_verifications
        if version != (stored[phone].version if phone in stored else 0):
            return False
        stored[phone] = Versioned(verification, next(self.database.versions))
        return True

    async def prune(self, now: datetime, limit: int) -> int:
        await self.database.call("phone_verifications.prune")
        expired = self._expired(lambda verification: verification.client_ips_expire_at, now, limit)
        for phone in expired:
            pruned = self.database.phone_verifications[phone].value.prune(now)
            self.database.phone_verifications[phone] = Versioned(
                pruned, next(self.database.versions)
            )
        return len(expired)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self.database.call("phone_verifications.delete_expired")
        expired = self._expired(lambda verification: verification.expires_at, now, limit)
        for phone in expired:
            del self.database.phone_verifications[phone]
        return len(expired)

    def _expired(
        self, expiry: Callable[[PhoneVerification], datetime | None], now: datetime, limit: int
    ) -> list[PhoneNumber]:
        stored = self.database.phone_verifications.items()
        return [phone for phone, one in stored if (at := expiry(one.value)) and at <= now][:limit]


class InMemoryRateLimiter(Repository):
    async def acquire(self, reservation: Reservation) -> datetime | None:
        await self.database.call("rate_limiter.acquire")
        available_at = self._next_available(reservation)
        if available_at > reservation.acquired_at:
            return available_at
        for limit in reservation.limits:
            own_at = self._available_at(replace(limit, fallback=None), reservation.acquired_at)
            is_full = own_at > reservation.acquired_at
            permit = _permit(reservation, (is_full and limit.fallback) or limit)
            stored = self.database.permits[permit.limit]
            stored -= {other for other in stored if other.reservation_id == limit.value}
            stored.add(permit)
        return None

    async def release(self, reservation: Reservation) -> None:
        await self.database.call("rate_limiter.release")
        for limit in reservation.limits:
            for released in (limit, limit.fallback):
                if released is not None and released.value is None:
                    permit = _permit(reservation, released)
                    self.database.permits[permit.limit].discard(permit)

    async def next_available(self, reservation: Reservation) -> datetime:
        await self.database.call("rate_limiter.next_available")
        return self._next_available(reservation)

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[rate_limits.Permit]:
        await self.database.call("rate_limiter.list_permits")
        counted = [
            rate_limits.Permit(permit.reservation_id, permit.acquired_at)
            for permit in self._counted(limit, now)
        ]
        return sorted(counted, key=lambda permit: permit.acquired_at)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self.database.call("rate_limiter.delete_expired")
        stored = self.database.permits
        expired = [
            permit for permits in stored.values() for permit in permits if permit.expires_at <= now
        ][:limit]
        for permit in expired:
            stored[permit.limit].remove(permit)
            if not stored[permit.limit]:
                del stored[permit.limit]
        return len(expired)

    def _next_available(self, reservation: Reservation) -> datetime:
        now = reservation.acquired_at
        return max((self._available_at(limit, now) for limit in reservation.limits), default=now)

    def _available_at(self, limit: RateLimit, now: datetime) -> datetime:
        counted = self._counted(limit, now)
        if limit.value in {permit.reservation_id for permit in counted}:
            return now
        available_at = limit.window.next_available([permit.acquired_at for permit in counted], now)
        if limit.fallback is None:
            return available_at
        return min(available_at, self._available_at(limit.fallback, now))

    def _counted(self, limit: RateLimit, now: datetime) -> list[Permit]:
        permits, begin = self.database.permits.get(limit.name, ()), now - limit.window.period
        return [permit for permit in permits if begin < permit.acquired_at <= now + CLOCK_SKEW]


def _permit(reservation: Reservation, limit: RateLimit) -> Permit:
    now = reservation.acquired_at
    return Permit(limit.name, limit.value or reservation.id, now, now + limit.window.period)


class InMemoryIdentities(Records[Identity]):
    name = "identities"

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        await self.database.call("identities.find_by_username")
        return self._find_by_username(username.key)

    def _save(self, record: Identity, version: int) -> bool:
        key = record.username_key
        holder = self._find_by_username(key) if key else None
        if holder and holder.value.id != record.id:
            raise UniqueViolation("another identity has this name")
        return super()._save(record, version)

    def _find_by_username(self, key: str) -> Versioned[Identity] | None:
        stored = self.stored.values()
        return next((identity for identity in stored if identity.value.username_key == key), None)


class InMemoryDeletedIdentities(Repository):
    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        await self.database.call("deleted_identities.find_deleted")
        return frozenset(one.value.id for _, one in self._deleted()).intersection(identity_ids)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        await self.database.call("deleted_identities.list_unpurged")
        return [one for _, one in self._deleted() if not one.value.purged_at][:limit]

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        await self.database.call("deleted_identities.list_with_username")
        return [one for at, one in self._deleted() if one.value.user and at <= deleted][:limit]

    def _deleted(self) -> list[tuple[datetime, Versioned[Identity]]]:
        """Return the deleted identities with their times of deletion, the oldest first."""
        stored = self.database.identities.values()
        deleted = [(at, one) for one in stored if (at := one.value.deleted_at)]
        return sorted(deleted, key=lambda pair: pair[0])


class InMemoryLeases(Repository):
    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        await self.database.call("leases.acquire")
        held_until = self.database.leases.get(name, now)
        if now < held_until <= expires_at + CLOCK_SKEW:
            return False
        self.database.leases[name] = expires_at
        return True


class InMemoryHealthCheck(Repository):
    async def check(self) -> None:
        await self.database.call("health.check")


class InMemoryDeliveryReports(Records[DeliveryReport]):
    name = "delivery_reports"

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self.database.call("delivery_reports.delete_expired")
        reports = self.stored.items()
        expired = [key for key, report in reports if report.value.expires_at <= now][:limit]
        for key in expired:
            del self.stored[key]
        return len(expired)

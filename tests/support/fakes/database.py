"""Repositories in memory. Each call lets other tasks run before it acts, so that races are real."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from application.ports.errors import StorageUnavailable, UniqueViolation
from application.ports.media_items import PageItem
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.otp import rate_limits
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW
from domain.page import Cursor
from domain.phone import PhoneNumber
from domain.voice.call import Call
from tests.support.fault_injector import FaultInjector


class Record(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Record)
Time = datetime | Literal[False] | None


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
    is_unavailable: bool = False
    faults: FaultInjector = field(default_factory=FaultInjector)

    def repositories(self) -> Repositories:
        """Return all repositories over this database."""
        calls, identities = Calls(self.calls), Identities(self.identities)
        media = MediaItems(self.media_items, identities)
        repositories: dict[str, object] = {
            "phone_verifications": PhoneVerifications(self.phone_verifications),
            "rate_limiter": RateLimiter(self.permits),
            **dict.fromkeys(("identities", "deleted_identities"), identities),
            **dict.fromkeys(("media_items", "media_pages", "media_cleanup"), media),
            **dict.fromkeys(("calls", "call_pages", "call_cleanup"), calls),
            "delivery_reports": DeliveryReports(self.delivery_reports),
            "leases": Leases(self.leases),
            "health": Health(),
        }
        return Repositories(**{name: self.port(name, one) for name, one in repositories.items()})

    def port(self, name: str, repository: object) -> Any:
        """Return the async operations of a repository, named for the fault injector."""
        return _Port(self, name, repository)

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


@dataclass(frozen=True)
class _Port:
    database: InMemoryDatabase
    name: str
    repository: object

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*arguments: object, **options: object) -> object:
            await self.database.call(f"{self.name}.{method}")
            return getattr(self.repository, method)(*arguments, **options)

        return call


@dataclass
class PhoneVerifications:
    stored: dict[PhoneNumber, Versioned[PhoneVerification]]
    _versions: ClassVar = itertools.count(1)

    def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        return self.stored.get(phone, Versioned(PhoneVerification(), 0))

    def replace(self, phone: PhoneNumber, verification: PhoneVerification, version: int) -> bool:
        if version != self.load(phone).version:
            return False
        self.stored[phone] = Versioned(verification, next(self._versions))
        return True

    def prune(self, now: datetime, limit: int) -> int:
        expired = self._expired(lambda verification: verification.client_ips_expire_at, now, limit)
        for phone in expired:
            stored = self.stored[phone]
            self.replace(phone, stored.value.prune(now), stored.version)
        return len(expired)

    def delete_expired(self, now: datetime, limit: int) -> int:
        expired = self._expired(lambda verification: verification.expires_at, now, limit)
        for phone in expired:
            del self.stored[phone]
        return len(expired)

    def _expired(
        self, expiry: Callable[[PhoneVerification], Time], now: datetime, limit: int
    ) -> list[PhoneNumber]:
        stored = self.stored.items()
        return [phone for phone, one in stored if (at := expiry(one.value)) and at <= now][:limit]


@dataclass
class RateLimiter:
    permits: dict[str, set[Permit]]

    def acquire(self, reservation: Reservation) -> datetime | None:
        available_at = self.next_available(reservation)
        if available_at > reservation.acquired_at:
            return available_at
        for limit in reservation.limits:
            own_at = self._available_at(replace(limit, fallback=None), reservation.acquired_at)
            is_full = own_at > reservation.acquired_at
            permit = _permit(reservation, (is_full and limit.fallback) or limit)
            stored = self.permits[permit.limit]
            stored -= {other for other in stored if other.reservation_id == limit.value}
            stored.add(permit)
        return None

    def acquire_each(self, *reservations: Reservation) -> list[datetime | None]:
        return [self.acquire(reservation) for reservation in reservations]

    def release(self, reservation: Reservation) -> None:
        for limit in reservation.limits:
            for released in (limit, limit.fallback):
                if released is not None and released.value is None:
                    permit = _permit(reservation, released)
                    self.permits[permit.limit].discard(permit)

    def next_available(self, reservation: Reservation) -> datetime:
        now = reservation.acquired_at
        return max((self._available_at(limit, now) for limit in reservation.limits), default=now)

    def list_permits(self, limit: RateLimit, now: datetime) -> list[rate_limits.Permit]:
        counted = sorted(self._counted(limit, now), key=lambda permit: permit.acquired_at)
        return [rate_limits.Permit(permit.reservation_id, permit.acquired_at) for permit in counted]

    def delete_expired(self, now: datetime, limit: int) -> int:
        permits = itertools.chain(*self.permits.values())
        expired = [permit for permit in permits if permit.expires_at <= now][:limit]
        for permit in expired:
            self.permits[permit.limit].remove(permit)
            if not self.permits[permit.limit]:
                del self.permits[permit.limit]
        return len(expired)

    def _available_at(self, limit: RateLimit, now: datetime) -> datetime:
        counted = self._counted(limit, now)
        if limit.value in {permit.reservation_id for permit in counted}:
            return now
        available_at = limit.window.next_available([permit.acquired_at for permit in counted], now)
        if limit.fallback is None:
            return available_at
        return min(available_at, self._available_at(limit.fallback, now))

    def _counted(self, limit: RateLimit, now: datetime) -> list[Permit]:
        permits, begin = self.permits.get(limit.name, ()), now - limit.window.period
        return [permit for permit in permits if begin < permit.acquired_at <= now + CLOCK_SKEW]


def _permit(reservation: Reservation, limit: RateLimit) -> Permit:
    now = reservation.acquired_at
    return Permit(limit.name, limit.value or reservation.id, now, now + limit.window.period)


@dataclass
class Records(Generic[R]):
    """Versioned records by id."""

    stored: dict[str, Versioned[R]]

    def load(self, record_id: str) -> Versioned[R] | None:
        return self.stored.get(record_id)

    def add(self, record: R) -> bool:
        return record.id not in self.stored and self._save(record, 1)

    def replace(self, record: R, version: int) -> bool:
        return self._has_version(record.id, version) and self._save(record, version + 1)

    def delete(self, record_id: str, version: int) -> bool:
        return self._has_version(record_id, version) and bool(self.stored.pop(record_id))

    def _save(self, record: R, version: int) -> bool:
        self.stored[record.id] = Versioned(record, version)
        return True

    def _has_version(self, record_id: str, version: int) -> bool:
        return record_id in self.stored and self.stored[record_id].version == version

    def _list(
        self, time: Callable[[R], Time], until: datetime | None = None, limit: int | None = None
    ) -> list[Versioned[R]]:
        """Return the records that have such a time, the oldest first."""
        times = [(time(one.value), one) for one in self.stored.values()]
        listed = [(at, one.value.id, one) for at, one in times if at and (not until or at <= until)]
        return [one for *_, one in sorted(listed, key=lambda each: each[:2])][:limit]


class Identities(Records[Identity]):
    def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        return self._find(username.key)

    def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        deleted = self._list(lambda identity: identity.deleted_at)
        return frozenset(one.value.id for one in deleted).intersection(identity_ids)

    def list_unpurged(self, limit: int) -> list[Versioned[Identity]]:
        return self._list(lambda one: not one.purged_at and one.deleted_at, limit=limit)

    def list_with_username(self, deleted: datetime, limit: int) -> list[Versioned[Identity]]:
        return self._list(lambda one: one.user is not None and one.deleted_at, deleted, limit)

    def _save(self, record: Identity, version: int) -> bool:
        key = record.username_key
        holder = self._find(key) if key else None
        if holder and holder.value.id != record.id:
            raise UniqueViolation("another identity has this name")
        return super()._save(record, version)

    def _find(self, key: str) -> Versioned[Identity] | None:
        stored = self.stored.values()
        return next((identity for identity in stored if identity.value.username_key == key), None)


@dataclass
class MediaItems(Records[MediaItem]):
    identities: Identities

    def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        items = [item.value for item in self.stored.values()]
        return next((item for item in items if item.storage_key == storage_key), None)

    def list_page(self, item_filter: ItemFilter, offset: int, limit: int) -> list[PageItem]:
        return self._newest_first(item_filter)[offset : offset + limit]

    def list_after(self, item_filter: ItemFilter, cursor: Cursor, limit: int) -> list[PageItem]:
        last = (cursor.created_at, cursor.id)
        items = self._newest_first(item_filter)
        return [one for one in items if (one.item.created_at, one.item.id) < last][:limit]

    def count(self, item_filter: ItemFilter, limit: int) -> int:
        return len(self._newest_first(item_filter)[:limit])

    def list_owned_by(self, owner_id: str, limit: int) -> list[Versioned[MediaItem]]:
        return self._oldest(
            lambda item: item.owner_id == owner_id and item.deletion_requested_at is None, limit
        )

    def list_expired_uploads(self, now: datetime, limit: int) -> list[Versioned[MediaItem]]:
        return self._oldest(lambda item: item.is_upload_expired(now), limit)

    def list_deleting(self, requested_before: datetime, limit: int) -> list[Versioned[MediaItem]]:
        return self._list(lambda item: item.deletion_requested_at, requested_before, limit)

    def list_refused_deletions(self, limit: int) -> list[Versioned[MediaItem]]:
        return self._oldest(lambda item: item.state is ItemState.DELETION_REFUSED, limit)

    def _oldest(
        self, is_listed: Callable[[MediaItem], bool], limit: int | None = None
    ) -> list[Versioned[MediaItem]]:
        return self._list(lambda item: is_listed(item) and item.created_at, limit=limit)

    def _newest_first(self, item_filter: ItemFilter) -> list[PageItem]:
        return [
            PageItem(item.value, bool(self.identities.find_deleted([item.value.owner_id])))
            for item in reversed(self._oldest(lambda item: item.is_ready))
            if item_filter.owner_id in (None, item.value.owner_id)
            and item_filter.kind in (None, item.value.kind)
            and item_filter.category in (None, item.value.category)
        ]


class Calls(Records[Call]):
    def list_after(self, identity_id: str | None, cursor: Cursor | None, limit: int) -> list[Call]:
        last = (cursor.created_at, cursor.id) if cursor else None
        calls = [one.value for one in reversed(self._list(lambda call: call.started_at))]
        own = [call for call in calls if identity_id in (None, call.identity_id)]
        return [call for call in own if not last or (call.started_at, call.id) < last][:limit]

    def list_started(self, before: datetime, limit: int) -> list[Versioned[Call]]:
        return self._list(lambda call: call.started_at, before, limit)

    def list_of_identity(self, identity_id: str, limit: int) -> list[Versioned[Call]]:
        return self._list(
            lambda call: call.identity_id == identity_id and call.started_at, limit=limit
        )

    def list_recorded(self, before: datetime, limit: int) -> list[Versioned[Call]]:
        return self._list(lambda call: call.oldest_recording_at, before, limit)


class DeliveryReports(Records[DeliveryReport]):
    def delete_expired(self, now: datetime, limit: int) -> int:
        expired = self._list(lambda report: report.expires_at, now, limit)
        return sum(self.delete(report.value.id, report.version) for report in expired)


@dataclass
class Leases:
    held_until: dict[str, datetime]

    def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        if now < self.held_until.get(name, now) <= expires_at + CLOCK_SKEW:
            return False
        self.held_until[name] = expires_at
        return True


class Health:
    def check(self) -> None:
        """Fail only if the database is unavailable."""

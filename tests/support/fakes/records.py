"""Records in memory. Each call lets others run before it acts, so that races are real."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from application.ports.errors import StorageUnavailable, UniqueViolation
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.media.item import ItemState, MediaItem
from domain.media.page import Cursor, ItemFilter
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber

T = TypeVar("T")


class Slot(NamedTuple):
    """What a draw took of a budget."""

    budget: str
    draw: str
    at: datetime
    until: datetime


@dataclass(slots=True)
class InMemoryDatabase:
    """What is kept; while `is_down` every call is StorageUnavailable."""

    phone_verifications: dict[PhoneNumber, Versioned[PhoneVerification]] = field(
        default_factory=dict
    )
    identities: dict[str, Versioned[Identity]] = field(default_factory=dict)
    media_items: dict[str, Versioned[MediaItem]] = field(default_factory=dict)
    slots: dict[str, set[Slot]] = field(default_factory=lambda: defaultdict(set))
    leases: dict[str, datetime] = field(default_factory=dict)
    versions: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    is_down: bool = False

    def records(self) -> Repositories:
        """All record ports over what is kept here."""
        return Repositories(
            phone_verifications=InMemoryPhoneRecords(self),
            rate_limiter=InMemoryBudgets(self),
            identities=InMemoryIdentities(self),
            deleted_identities=InMemoryTombstones(self),
            media_items=InMemoryMediaItems(self),
            media_pages=InMemoryMediaPages(self),
            media_cleanup=InMemoryMediaLeftovers(self),
            leases=InMemoryLeases(self),
            health=InMemoryProbe(self),
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Repositories]:
        """The same as adapters are opened."""
        yield self.records()

    async def reached(self) -> None:
        """Let others run, as a call to a real database does."""
        await asyncio.sleep(0)
        if self.is_down:
            raise StorageUnavailable("down")


@dataclass(frozen=True, slots=True)
class InMemoryPhoneRecords:
    database: InMemoryDatabase

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        await self.database.reached()
        return self.database.phone_verifications.get(phone, Versioned(PhoneVerification(), 0))

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        await self.database.reached()
        kept = self.database.phone_verifications
        if version != (kept[phone].version if phone in kept else 0):
            return False
        kept[phone] = Versioned(verification, next(self.database.versions))
        return True

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self.database.reached()
        kept = self.database.phone_verifications
        ends = {phone: one.value.expires_at for phone, one in kept.items()}
        lapsed = [phone for phone, end in ends.items() if end is not None and end <= now][:limit]
        for phone in lapsed:
            del kept[phone]
        return len(lapsed)


@dataclass(frozen=True, slots=True)
class InMemoryBudgets:
    database: InMemoryDatabase

    async def acquire(self, reservation: Reservation) -> datetime | None:
        await self.database.reached()
        free_at = self._free_at(reservation)
        if free_at > reservation.acquired_at:
            return free_at
        for slot in _slots(reservation):
            self.database.slots[slot.budget].add(slot)
        return None

    async def release(self, reservation: Reservation) -> None:
        await self.database.reached()
        for slot in _slots(reservation):
            self.database.slots[slot.budget].discard(slot)

    async def next_available(self, reservation: Reservation) -> datetime:
        await self.database.reached()
        return self._free_at(reservation)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self.database.reached()
        kept = self.database.slots
        lapsed = [slot for slots in kept.values() for slot in slots if slot.until <= now][:limit]
        for slot in lapsed:
            kept[slot.budget].remove(slot)
        return len(lapsed)

    def _free_at(self, draw: Reservation) -> datetime:
        return max(
            (self._room_at(one, draw.acquired_at) for one in draw.limits), default=draw.acquired_at
        )

    def _room_at(self, budget: RateLimit, at: datetime) -> datetime:
        latest = at + CLOCK_SKEW
        taken = [one.at for one in self.database.slots[budget.name] if one.at <= latest]
        return budget.window.next_available(taken, at)


def _slots(draw: Reservation) -> set[Slot]:
    return {
        Slot(one.name, draw.id, draw.acquired_at, draw.acquired_at + one.window.period)
        for one in draw.limits
    }


@dataclass(frozen=True, slots=True)
class InMemoryIdentities:
    database: InMemoryDatabase

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        await self.database.reached()
        return self.database.identities.get(identity_id)

    async def add(self, identity: Identity) -> bool:
        await self.database.reached()
        if identity.id in self.database.identities:
            return False
        self._save(identity, 1)
        return True

    async def replace(self, identity: Identity, version: int) -> bool:
        await self.database.reached()
        if not _has_version(self.database.identities.get(identity.id), version):
            return False
        self._save(identity, version + 1)
        return True

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        await self.database.reached()
        return self._holder(username.key)

    def _save(self, identity: Identity, version: int) -> None:
        holder = self._holder(identity.username_key) if identity.username_key else None
        if holder and holder.value.id != identity.id:
            raise UniqueViolation("another identity has this name")
        self.database.identities[identity.id] = Versioned(identity, version)

    def _holder(self, key: str) -> Versioned[Identity] | None:
        kept = self.database.identities.values()
        return next((one for one in kept if one.value.username_key == key), None)


@dataclass(frozen=True, slots=True)
class InMemoryTombstones:
    database: InMemoryDatabase

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        await self.database.reached()
        return frozenset(one.value.id for _, one in self._deleted() if one.value.id in identity_ids)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        await self.database.reached()
        return [one for _, one in self._deleted() if not one.value.purged_at][:limit]

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        await self.database.reached()
        named = [(at, one) for at, one in self._deleted() if one.value.user]
        return [one for at, one in named if at <= deleted][:limit]

    def _deleted(self) -> list[tuple[datetime, Versioned[Identity]]]:
        """Those deleted and when they were, the oldest first."""
        kept = self.database.identities.values()
        deleted = [(one.value.deleted_at, one) for one in kept if one.value.deleted_at]
        return sorted(deleted, key=lambda pair: pair[0])


@dataclass(frozen=True, slots=True)
class InMemoryMediaItems:
    database: InMemoryDatabase

    async def add(self, item: MediaItem) -> None:
        await self.database.reached()
        self.database.media_items[item.id] = Versioned(item, 1)

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        await self.database.reached()
        return self.database.media_items.get(item_id)

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        await self.database.reached()
        kept = self.database.media_items.values()
        return next((one.value for one in kept if one.value.storage_key == storage_key), None)

    async def replace(self, item: MediaItem, version: int) -> bool:
        await self.database.reached()
        had_version = _has_version(self.database.media_items.get(item.id), version)
        if had_version:
            self.database.media_items[item.id] = Versioned(item, version + 1)
        return had_version

    async def delete(self, item_id: str, version: int) -> bool:
        await self.database.reached()
        had_version = _has_version(self.database.media_items.get(item_id), version)
        if had_version:
            del self.database.media_items[item_id]
        return had_version


@dataclass(frozen=True, slots=True)
class InMemoryMediaPages:
    database: InMemoryDatabase

    async def list_page(self, chosen: ItemFilter, offset: int, limit: int) -> Sequence[MediaItem]:
        await self.database.reached()
        return self._newest_first(chosen)[offset : offset + limit]

    async def list_after(
        self, chosen: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        await self.database.reached()
        place = (cursor.created_at, cursor.id)
        older = [one for one in self._newest_first(chosen) if (one.created_at, one.id) < place]
        return older[:limit]

    async def count(self, chosen: ItemFilter) -> int:
        await self.database.reached()
        return len(self._ready(chosen))

    def _newest_first(self, chosen: ItemFilter) -> list[MediaItem]:
        return sorted(self._ready(chosen), key=lambda item: (item.created_at, item.id))[::-1]

    def _ready(self, chosen: ItemFilter) -> list[MediaItem]:
        return [
            one.value
            for one in self.database.media_items.values()
            if one.value.is_ready
            and chosen.owner_id in (None, one.value.owner_id)
            and chosen.kind in (None, one.value.kind)
            and chosen.category in (None, one.value.category)
        ]


@dataclass(frozen=True, slots=True)
class InMemoryMediaLeftovers:
    database: InMemoryDatabase

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        await self.database.reached()
        kept = self.database.media_items.values()
        owned = [one for one in kept if one.value.owner_id == owner_id]
        return [one for one in owned if one.value.state is not ItemState.DELETING][:limit]

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        await self.database.reached()
        kept = self.database.media_items.values()
        return [one for one in kept if one.value.is_upload_expired(now)][:limit]

    async def list_deleting(self, doomed: datetime, limit: int) -> Sequence[Versioned[MediaItem]]:
        await self.database.reached()
        kept = self.database.media_items.values()
        return [
            one
            for one in kept
            if one.value.deletion_requested_at and one.value.deletion_requested_at <= doomed
        ][:limit]


@dataclass(frozen=True, slots=True)
class InMemoryProbe:
    database: InMemoryDatabase

    async def check(self) -> None:
        await self.database.reached()


def _has_version(kept: Versioned[T] | None, version: int) -> bool:
    return kept is not None and kept.version == version


@dataclass(frozen=True, slots=True)
class InMemoryLeases:
    """Leases by name."""

    database: InMemoryDatabase

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        await self.database.reached()
        held_until = self.database.leases.get(name, now)
        if now < held_until <= expires_at + CLOCK_SKEW:
            return False
        self.database.leases[name] = expires_at
        return True

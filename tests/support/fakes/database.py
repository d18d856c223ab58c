"""A database in memory: all repositories, as plainly as possible. The reference for another one.

Records are kept in their stored form (`adapters.records`).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from adapters.records.calls import CALLS
from adapters.records.delivery_reports import DELIVERY_REPORTS
from adapters.records.idempotency_keys import IDEMPOTENCY_KEYS
from adapters.records.identities import IdentityMapping
from adapters.records.mapping import WRITTEN_ONCE, Fields, Record, RecordMapping
from adapters.records.media_items import MEDIA_ITEMS
from adapters.records.media_usages import MEDIA_USAGES
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import (
    PHONE_VERIFICATIONS,
    encrypt_if_blocked,
    make_first_version,
    prune_record,
)
from adapters.records.rate_limits import (
    RATE_LIMITS,
    RESERVATIONS,
    RateLimitRecord,
    ReservationRecord,
    acquire,
    find_available,
)
from application.ports.errors import StorageTimeout, StorageUnavailable, UniqueViolation
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.media.idempotency import IdempotencyKey
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.media.usage import MediaUsage
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW
from domain.page import Cursor
from domain.phone import PhoneNumber
from domain.voice.call import Call
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fault_injector import FaultInjector

T = TypeVar("T")
Condition = Callable[[Fields], bool]
Listed = Sequence[Versioned[T]]
Page = Sequence[MediaItem]


class _ReadableIndex(FakePhoneEncryption):
    """Finds verifications by the phone itself, so that tests see whose they are."""

    def blind_index(self, phone: PhoneNumber) -> str:
        return phone.e164


class InMemoryDatabase:
    """A database. Its properties are copies of what is stored.

    Each call lets other tasks run before it acts, so that races are real. While `is_unavailable`,
    every call raises StorageUnavailable.
    """

    def __init__(self) -> None:
        self.faults = FaultInjector()
        self.is_unavailable = False
        self.encryption = _ReadableIndex()
        mappings: list[RecordMapping[Any, Any]] = [PHONE_VERIFICATIONS, MEDIA_ITEMS, CALLS]
        mappings += [DELIVERY_REPORTS, IDEMPOTENCY_KEYS, IdentityMapping(self.encryption)]
        mappings += [MEDIA_USAGES, RATE_LIMITS, RESERVATIONS]
        self.tables: dict[str, Table[Any]] = {one.name: Table(one) for one in mappings}
        self.leases: dict[str, datetime] = {}

    @property
    def phone_verifications(self) -> dict[PhoneNumber, Versioned[PhoneVerification]]:
        records = self.tables["phone_verifications"].load_all()
        return {PhoneNumber(number): record for number, record in records.items()}

    @property
    def identities(self) -> dict[str, Versioned[Identity]]:
        return self.tables["identities"].load_all()

    @property
    def media_items(self) -> dict[str, Versioned[MediaItem]]:
        return self.tables["media_items"].load_all()

    @property
    def calls(self) -> dict[str, Versioned[Call]]:
        return self.tables["calls"].load_all()

    @property
    def media_usages(self) -> dict[str, Versioned[MediaUsage]]:
        return self.tables["media_usages"].load_all()

    @property
    def idempotency_keys(self) -> dict[str, Versioned[IdempotencyKey]]:
        return self.tables["idempotency_keys"].load_all()

    @property
    def delivery_reports(self) -> dict[str, Versioned[DeliveryReport]]:
        return self.tables["delivery_reports"].load_all()

    @property
    def permits(self) -> Counter[str]:
        """The number of permits by the name of their limit."""
        counts: Counter[str] = Counter()
        for name, loaded in self.tables["rate_limits"].load_all().items():
            counted = sum(loaded.value.counters.values())
            counts[name] = counted + len(loaded.value.permits)
        return +counts

    def repositories(self) -> Repositories:
        """Return all repositories over this database."""
        phones = InMemoryPhoneVerifications(self.tables["phone_verifications"], self.encryption)
        identities = InMemoryIdentities(self.tables["identities"])
        media = InMemoryMedia(self.tables["media_items"])
        calls = InMemoryCalls(self.tables["calls"])
        repositories = Repositories(
            phone_verifications=phones,
            rate_limiter=InMemoryRateLimiter(
                self.tables["rate_limits"], self.tables["reservations"]
            ),
            identities=identities,
            media_items=media,
            media_usages=InMemoryUsages(self.tables["media_usages"]),
            idempotency_keys=InMemoryRecords(self.tables["idempotency_keys"]),
            calls=calls,
            delivery_reports=InMemoryRecords(self.tables["delivery_reports"]),
            leases=InMemoryLeases(self.leases),
            health=self,
        )
        names = [field.name for field in fields(repositories)]
        ports: Any = {name: _Port(self, name, getattr(repositories, name)) for name in names}
        return Repositories(**ports)

    @asynccontextmanager
    async def open_repositories(self) -> AsyncIterator[Repositories]:
        """Yield the repositories, as adapters do when they are opened."""
        yield self.repositories()

    async def check(self) -> None:
        """Return: memory always works."""


@dataclass(frozen=True)
class _Port:
    """The operations of a repository, named for the fault injector."""

    database: InMemoryDatabase
    name: str
    repository: object

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*arguments: object, **options: object) -> object:
            await asyncio.sleep(0)
            if self.database.is_unavailable:
                raise StorageUnavailable("unavailable")
            operation = f"{self.name}.{method}"
            is_lost = await self.database.faults.on_call(operation, StorageUnavailable)
            result = await getattr(self.repository, method)(*arguments, **options)
            if is_lost:
                raise StorageTimeout(f"no response of {operation}")
            return result

        return call


@dataclass(frozen=True)
class Table(Generic[T]):
    """The fields of each record of one kind, by its key: times and bytes as they are, no None.

    No method waits, so each is one step for all tasks, as a transaction would be.
    """

    mapping: RecordMapping[T, Any]
    records: dict[str, Versioned[Fields]] = field(default_factory=dict)

    def load(self, key: str) -> Versioned[T] | None:
        """Return the record with this key, or None."""
        return self._decode(self.records[key]) if key in self.records else None

    def load_all(self) -> dict[str, Versioned[T]]:
        """Return all records by their keys."""
        return {key: self._decode(record) for key, record in self.records.items()}

    def list(self, limit: int, *conditions: Condition, order: str = "") -> Listed[T]:
        """Return up to `limit` records that meet all conditions, ordered by a field."""
        found = self.find(*conditions)
        if order:
            found = sorted(found, key=lambda record: record.value[order])
        return [self._decode(record) for record in found[:limit]]

    def list_newest(
        self, limit: int, *conditions: Condition, time: str, cursor: Cursor | None, offset: int = 0
    ) -> Sequence[T]:
        """Return such records after the cursor, the newest first: by the time, then by id."""

        def position(record: Versioned[Fields]) -> tuple[datetime, str]:
            return record.value[time], record.value["id"]

        found = sorted(self.find(*conditions), key=position, reverse=True)
        if cursor is not None:
            found = [one for one in found if position(one) < (cursor.created_at, cursor.id)]
        return [self._decode(record).value for record in found[offset:][:limit]]

    def list_due(self, name: str, now: datetime, limit: int) -> Sequence[str]:
        """Return the keys of up to `limit` records whose time in this field has come."""
        is_due = _is_due(name, now)
        return [key for key, record in self.records.items() if is_due(record.value)][:limit]

    def find(self, *conditions: Condition) -> Sequence[Versioned[Fields]]:
        """Return the fields of the records that meet all conditions."""
        records = self.records.values()
        return [one for one in records if all(is_met(one.value) for is_met in conditions)]

    def add(self, key: str, record: Record, version: int = 1) -> bool:
        """Add a record, and return False where its key exists."""
        if key in self.records:
            return False
        self.records[key] = Versioned(self.mapping.to_fields(record, (datetime, bytes)), version)
        return True

    def replace(self, key: str, record: Record, version: int) -> bool:
        """Replace the record if it has this version, and return whether it had.

        Each known field is replaced as a whole, and removed if it is None now. Fields that this
        program does not know stay.
        """
        if not self.has_version(key, version):
            return False
        known = self.mapping.to_fields(record, (datetime, bytes))
        kept = {
            name: value
            for name, value in self.records[key].value.items()
            if name not in self.mapping.field_names or (name == WRITTEN_ONCE and name in known)
        }
        self.records[key] = Versioned({**known, **kept}, version + 1)
        return True

    def save(self, key: str, record: Record) -> None:
        """Add a record, or replace the one with this key, whatever its version."""
        if not self.add(key, record):
            self.replace(key, record, self.records[key].version)

    def delete(self, key: str, version: int) -> bool:
        """Delete the record if it has this version, and return whether it had."""
        if not self.has_version(key, version):
            return False
        del self.records[key]
        return True

    def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records whose `expires_at` passed, and return their number."""
        expired = self.list_due("expires_at", now, limit)
        for key in expired:
            del self.records[key]
        return len(expired)

    def has_version(self, key: str, version: int) -> bool:
        """Return whether the record exists and has this version."""
        return key in self.records and self.records[key].version == version

    def _decode(self, record: Versioned[Fields]) -> Versioned[T]:
        stored = record.value
        if stored.get("schema_version") != self.mapping.schema_version:
            stored = deepcopy(stored)  # An upgrade may change it.
        return Versioned(self.mapping.convert(stored), record.version)


def _is_due(name: str, now: datetime) -> Condition:
    return lambda stored: name in stored and stored[name] <= now


def _matches(**wanted: str | None) -> Condition:
    """Return whether the fields have these values. None stands for any."""
    return lambda stored: all(value in (None, stored.get(name)) for name, value in wanted.items())


@dataclass(frozen=True)
class InMemoryPhoneVerifications:
    """Phone verifications by the blind index of the phone. That of a blocked one is encrypted."""

    table: Table[PhoneVerification]
    encryption: PhoneEncryption

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        loaded = self.table.load(self.encryption.blind_index(phone))
        return loaded or Versioned(PhoneVerification(), 0)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        phone_index = self.encryption.blind_index(phone)
        record = encrypt_if_blocked(verification, phone, phone_index, self.encryption)
        if version == 0:
            return self.table.add(phone_index, record, make_first_version())
        return self.table.replace(phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        due = self.table.list_due("client_ips_expire_at", now, limit)
        for phone_index in due:
            stored = self.table.records[phone_index]
            record = self.table.mapping.convert_record(deepcopy(stored.value))
            self.table.replace(phone_index, prune_record(record, now), stored.version)
        return len(due)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return self.table.delete_expired(now, limit)


@dataclass(frozen=True)
class InMemoryRateLimiter:
    """The permits of each limit by its name, and what each reservation acquired by its id."""

    limits: Table[RateLimitRecord]
    reservations: Table[ReservationRecord]

    async def acquire(self, reservation: Reservation) -> datetime | None:
        acquired = acquire(reservation, self._load(reservation))
        if isinstance(acquired, datetime):
            return acquired
        for name, limit in acquired.limits.items():
            self.limits.save(name, limit)
        record, earlier = acquired.reservation, self.reservations.load(reservation.id)
        # Permits that are kept are not released.
        if record.acquired and reservation.is_releasable:
            extended = record.extend(earlier.value) if earlier else record
            self.reservations.save(reservation.id, extended)
        return None

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        return [await self.acquire(reservation) for reservation in reservations]

    async def release(self, reservation: Reservation) -> None:
        stored, records = self.reservations.load(reservation.id), self._load(reservation)
        for limit, begins_at in stored.value.released(reservation.all_limits) if stored else ():
            if limit.name in records:
                records[limit.name].release(begins_at)
                self.limits.save(limit.name, records[limit.name])
        self.reservations.records.pop(reservation.id, None)

    async def next_available(self, reservation: Reservation) -> datetime:
        return find_available(reservation, self._load(reservation))

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        loaded = self.limits.load(limit.name)
        return loaded.value.list_permits(limit, now) if loaded else []

    async def delete_expired(self, now: datetime, limit: int) -> int:
        tables: list[Table[Any]] = [self.limits, self.reservations]
        return max(table.delete_expired(now, limit) for table in tables)

    def _load(self, reservation: Reservation) -> dict[str, RateLimitRecord]:
        loaded = {limit.name: self.limits.load(limit.name) for limit in reservation.all_limits}
        return {name: record.value for name, record in loaded.items() if record}


@dataclass(frozen=True)
class InMemoryRecords(Generic[T]):
    """Records by their ids: all that delivery reports need, and a part of the others."""

    table: Table[T]

    async def load(self, record_id: str) -> Versioned[T] | None:
        return self.table.load(record_id)

    async def add(self, value: Any) -> bool:
        return self.table.add(value.id, self.table.mapping.to_record(value))

    async def replace(self, value: Any, version: int) -> bool:
        return self.table.replace(value.id, self.table.mapping.to_record(value), version)

    async def delete(self, record_id: str, version: int) -> bool:
        return self.table.delete(record_id, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return self.table.delete_expired(now, limit)


@dataclass(frozen=True)
class InMemoryIdentities(InMemoryRecords[Identity]):
    """Identities, whose usernames are unique, and the deleted ones among them."""

    async def add(self, identity: Identity) -> bool:
        if identity.id not in self.table.records:
            self._check_username(identity)
        return await super().add(identity)

    async def replace(self, identity: Identity, version: int) -> bool:
        if self.table.has_version(identity.id, version):
            self._check_username(identity)
        return await super().replace(identity, version)

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        found = self.table.list(1, _matches(username_key=username.key))
        return found[0] if found else None

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        found = {key: self.table.records.get(key) for key in identity_ids}
        return frozenset(key for key, one in found.items() if one and "deleted_at" in one.value)

    async def list_expired(self, now: datetime, limit: int) -> Listed[Identity]:
        return self.table.list(limit, _is_due("expires_at", now), order="expires_at")

    async def list_unpurged(self, limit: int) -> Listed[Identity]:
        return self.table.list(
            limit,
            lambda stored: "deleted_at" in stored and "purged_at" not in stored,
            order="deleted_at",
        )

    async def list_with_username(self, deleted: datetime, limit: int) -> Listed[Identity]:
        is_due = _is_due("deleted_at", deleted)
        return self.table.list(limit, is_due, lambda stored: "username_key" in stored)

    def _check_username(self, identity: Identity) -> None:
        for identity_id, record in self.table.records.items():
            key = record.value.get("username_key")
            if key is not None and key == identity.username_key and identity_id != identity.id:
                raise UniqueViolation("another identity has this username")


@dataclass(frozen=True)
class InMemoryMedia(InMemoryRecords[MediaItem]):
    """Items of the library: by id, in pages with the newest first, and for the cleanup."""

    async def list_page(self, item_filter: ItemFilter, offset: int, limit: int) -> Page:
        return self._list(item_filter, None, offset, limit)

    async def list_after(self, item_filter: ItemFilter, cursor: Cursor, limit: int) -> Page:
        return self._list(item_filter, cursor, 0, limit)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        return len(self.table.find(_is_listed(item_filter))[:limit])

    async def list_owned_by(self, owner_id: str, limit: int) -> Listed[MediaItem]:
        owned = _matches(owner_id=owner_id)
        return self.table.list(limit, owned, lambda stored: "deletion_requested_at" not in stored)

    async def list_by_id(self, after_id: str, limit: int) -> Listed[MediaItem]:
        return self.table.list(limit, lambda stored: stored["id"] > after_id, order="id")

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        ready = _matches(owner_id=owner_id, state=ItemState.READY)
        listed = self.table.list(len(self.table.records), ready)
        return {one.value.id: one.value.image.bytes for one in listed}

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        owned = self.table.find(_matches(owner_id=owner_id))
        is_earlier = _is_due("deletion_requested_at", requested_after)
        deleting = [one.value for one in owned if "deletion_requested_at" in one.value]
        return [stored["id"] for stored in deleting if not is_earlier(stored)]

    async def list_expired_uploads(self, now: datetime, limit: int) -> Listed[MediaItem]:
        pending = _matches(state=ItemState.PENDING)
        return self.table.list(limit, pending, _is_due("upload_deadline", now))

    async def list_deleting(self, requested_before: datetime, limit: int) -> Listed[MediaItem]:
        return self.table.list(limit, _is_due("deletion_requested_at", requested_before))

    async def list_refused_deletions(self, limit: int) -> Listed[MediaItem]:
        refused = _matches(state=ItemState.DELETION_REFUSED)
        return self.table.list(limit, refused, order="created_at")

    def _list(
        self, item_filter: ItemFilter, cursor: Cursor | None, offset: int, limit: int
    ) -> Page:
        return self.table.list_newest(
            limit, _is_listed(item_filter), time="created_at", cursor=cursor, offset=offset
        )


@dataclass(frozen=True)
class InMemoryUsages(InMemoryRecords[MediaUsage]):
    """What users have in the library."""

    async def list_due(self, now: datetime, limit: int) -> Listed[MediaUsage]:
        return self.table.list(limit, _is_due("recount_at", now), order="recount_at")


def _is_listed(item_filter: ItemFilter) -> Condition:
    return _matches(state=ItemState.READY, **asdict(item_filter))


@dataclass(frozen=True)
class InMemoryCalls(InMemoryRecords[Call]):
    """Calls: by id, in pages with the newest first, and for the cleanup."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        owned = _matches(identity_id=identity_id)
        return self.table.list_newest(limit, owned, time="started_at", cursor=cursor)

    async def list_started(self, before: datetime, limit: int) -> Listed[Call]:
        return self.table.list(limit, _is_due("started_at", before), order="started_at")

    async def list_of_identity(self, identity_id: str, limit: int) -> Listed[Call]:
        return self.table.list(limit, _matches(identity_id=identity_id))

    async def list_unfinished(self, before: datetime, limit: int) -> Listed[Call]:
        due = _is_due("unfinished_since", before)
        return self.table.list(limit, due, order="unfinished_since")

    async def list_recorded(self, before: datetime, limit: int) -> Listed[Call]:
        due = _is_due("oldest_recording_at", before)
        return self.table.list(limit, due, order="oldest_recording_at")


@dataclass(frozen=True)
class InMemoryLeases:
    """The end of each lease by its name."""

    leases: dict[str, datetime]

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        if now < self.leases.get(name, now) <= expires_at + CLOCK_SKEW:
            return False
        self.leases[name] = expires_at
        return True

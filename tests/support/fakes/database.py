"""A database in memory, as plainly as possible: the reference for another one.

Records are kept in their stored form (`adapters.records`).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from adapters.records.database import Database
from adapters.records.identities import IdentityMapping
from adapters.records.kinds import (
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    IDENTITIES,
    PHONE_VERIFICATIONS,
)
from adapters.records.limits import (
    LIMITS,
    LimitRecords,
    acquire,
    count_used,
    find_available,
    record_ids,
    release,
)
from adapters.records.mapping import RecordMapping
from adapters.records.phone_verifications import PhoneVerificationMapping
from adapters.records.record_kind import EXPIRES_AT, Fields, Index, Record, RecordKind
from adapters.records.record_store import IndexPosition, StoredRecord
from adapters.records.repositories import make_repositories
from application.ports.changes import ChangeObserver
from application.ports.errors import StorageTimeout, StorageUnavailable, UniqueViolation
from application.ports.limits import LimitStore
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.administration.audit import AuditEntry
from domain.identities.identity import Identity
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation
from domain.phone import PhoneNumber
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fault_injector import FaultInjector, name_operation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
R = TypeVar("R", bound=Record)
P = TypeVar("P", bound="DataclassInstance")
Arrive = Callable[[], Awaitable[None]]
"""Lets other tasks run before a call acts, or raises StorageUnavailable."""
NATIVE_TYPES: Final = (datetime, bytes)
_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """The stored form of a record: times and bytes as they are, and no None."""

    fields: Fields
    version: int


Table = dict[str, Row]
"""The rows of one kind by their ids."""


class InMemoryRecords:
    """The records of all kinds: a `RecordStore`.

    Nothing waits after a call has arrived, so each is one step for all tasks, as a transaction
    would be.
    """

    def __init__(self, arrive: Arrive) -> None:
        self.tables: dict[str, Table] = defaultdict(dict)
        self._arrive = arrive

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        rows = await self._rows(kind)
        return {one: _read(kind, one, rows[one]) for one in record_ids if one in rows}

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /
    ) -> Sequence[StoredRecord[R]]:
        rows = await self._rows(kind)
        later = sorted(one for one in rows if one > after_id)
        return [_read(kind, one, rows[one]) for one in later[:limit]]

    async def find(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str] = (),
        /,
        *,
        until: datetime | None = None,
        after: IndexPosition | None = None,
        newest_first: bool = False,
        limit: int,
        offset: int = 0,
    ) -> Sequence[StoredRecord[R]]:
        rows = await self._rows(kind)
        positions = sorted(
            (_time(index, rows[one].fields), one) for one in _find_ids(index, rows, equal)
        )
        if until is not None:
            positions = [one for one in positions if one[0] <= until]
        if after is not None and newest_first:
            positions = [one for one in positions if one < (after.time, after.id)]
        elif after is not None:
            positions = [one for one in positions if one > (after.time, after.id)]
        if newest_first:
            positions.reverse()
        return [_read(kind, one, rows[one]) for _, one in positions[offset:][:limit]]

    async def count(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str],
        limit: int,
        /,
        *,
        may_estimate: bool = False,
    ) -> int:
        rows = await self._rows(kind)
        return min(limit, len(_find_ids(index, rows, equal)))

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        rows = await self._rows(kind)
        if record_id in rows:
            return False
        added = kind.to_fields(record, NATIVE_TYPES)
        _check_unique(kind, rows, record_id, added)
        rows[record_id] = Row(added, version)
        return True

    async def replace(
        self,
        kind: RecordKind[R],
        record_id: str,
        record: R,
        version: int,
        /,
        *,
        also_written_once: bool = False,
    ) -> bool:
        rows = await self._rows(kind)
        if not _has_version(rows, record_id, version):
            return False
        stored = rows[record_id].fields
        replaced = _replace_known(kind, stored, record)
        once = None if also_written_once else kind.written_once
        if once in stored and once in replaced:
            replaced[once] = stored[once]
        _check_unique(kind, rows, record_id, replaced)
        rows[record_id] = Row(replaced, version + 1)
        return True

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        rows = await self._rows(kind)
        if not _has_version(rows, record_id, version):
            return False
        del rows[record_id]
        return True

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        rows = await self._rows(kind)
        index = kind.find_index(EXPIRES_AT)
        expired = [one for one in _find_ids(index, rows) if rows[one].fields[EXPIRES_AT] <= now]
        for record_id in expired[:limit]:
            del rows[record_id]
        return len(expired[:limit])

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        rows = await self._rows(kind)
        if not _has_version(rows, record_id, version):
            return False
        rows[record_id] = Row({**rows[record_id].fields, field: value}, version + 1)
        return True

    async def move(
        self, kind: RecordKind[R], record_id: str, new_id: str, record: R, version: int, /
    ) -> None:
        rows = await self._rows(kind)
        if _has_version(rows, record_id, version):
            moved = _replace_known(kind, rows[record_id].fields, record)
            rows[new_id] = Row(moved, version + 1)
            del rows[record_id]

    async def has_undeclared(self, name: str, /) -> bool:
        await self._arrive()
        return bool(self.tables.get(name))

    async def delete_undeclared(self, name: str, limit: int, /) -> int:
        if not await self.has_undeclared(name):
            return 0
        rows = self.tables[name]
        deleted = [*rows][:limit]
        for record_id in deleted:
            del rows[record_id]
        return len(deleted)

    async def _rows(self, kind: RecordKind[R]) -> Table:
        await self._arrive()
        return self.tables[kind.name]


def _read(kind: RecordKind[R], record_id: str, row: Row) -> StoredRecord[R]:
    stored = row.fields
    if stored.get("schema_version") != kind.schema_version:
        stored = deepcopy(stored)  # An upgrade may change it.
    return StoredRecord(record_id, kind.convert(stored), row.version)


def _has_version(rows: Table, record_id: str, version: int) -> bool:
    return record_id in rows and rows[record_id].version == version


def _replace_known(kind: RecordKind[R], stored: Fields, record: R) -> Fields:
    """Return the fields of a record, with those that are stored and not known."""
    unknown = {name: field for name, field in stored.items() if name not in kind.field_names}
    return {**kind.to_fields(record, NATIVE_TYPES), **unknown}


def _find_ids(index: Index, rows: Table, equal: Sequence[str] = ()) -> Sequence[str]:
    """Return the ids of the records in an index that have these values."""
    wanted = {**dict(zip(index.equal, equal, strict=True)), **dict(index.only)}
    return [
        record_id
        for record_id, row in rows.items()
        if all(row.fields.get(name) == value for name, value in wanted.items())
        and all(name in row.fields for name in index.present)
        and not any(name in row.fields for name in index.absent)
    ]


def _time(index: Index, stored: Fields) -> datetime:
    time: datetime = stored[index.order] if index.order else _ANY_TIME
    return time


def _check_unique(kind: RecordKind[R], rows: Table, record_id: str, new: Fields) -> None:
    for index in kind.indexes:
        if index.is_unique and all(name in new for name in index.equal):
            same = _find_ids(index, rows, [new[name] for name in index.equal])
            if set(same) - {record_id}:
                raise UniqueViolation(f"another record of {kind.name} has these values")


class InMemoryLimits:
    """The permits of all limits: a `LimitStore`. It keeps fields that it does not know."""

    def __init__(self, arrive: Arrive) -> None:
        self.stored: dict[str, Fields] = {}
        self._arrive = arrive

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        await self._arrive()
        records = self._read(record_ids(*reservations))
        results = [acquire(reservation, records) for reservation in reservations]
        self._write(records)
        return results

    async def release(self, acquisition: Acquisition) -> None:
        await self._arrive()
        records = self._read([limit.record_id for limit in acquisition.limits])
        release(acquisition, records)
        self._write(records)

    async def next_available(self, reservation: Reservation) -> datetime:
        await self._arrive()
        return find_available(reservation, self._read(record_ids(reservation)))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        await self._arrive()
        return count_used(limits, self._read({limit.record_id for limit in limits}), now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self._arrive()
        expired = [one for one, record in self.stored.items() if record[EXPIRES_AT] <= now]
        for record_id in expired[:limit]:
            del self.stored[record_id]
        return len(expired[:limit])

    def count_permits(self) -> Counter[str]:
        """Return the number of permits by `<record id>:<window>`."""
        counts: Counter[str] = Counter()
        for record_id, record in self._read(self.stored).items():
            for name, window in record.windows.items():
                counts[f"{record_id}:{name}"] = window.total
        return +counts

    def _read(self, ids: Collection[str]) -> LimitRecords:
        return {one: LIMITS.convert(self.stored[one]) for one in ids if one in self.stored}

    def _write(self, records: LimitRecords) -> None:
        for record_id, record in records.items():
            unknown = self.stored.get(record_id, {})
            self.stored[record_id] = {**unknown, **LIMITS.to_fields(record, NATIVE_TYPES)}


class _ReadableIndex(FakePhoneEncryption):
    """Finds verifications by the phone itself, so that tests see whose they are."""

    def blind_index(self, phone: PhoneNumber) -> str:
        return phone.e164


class InMemoryDatabase:
    """A database. Its properties are copies of what is stored.

    While `is_unavailable`, every call raises StorageUnavailable.
    """

    def __init__(self) -> None:
        self.faults = FaultInjector()
        self.is_unavailable = False
        self.encryption = _ReadableIndex()
        self.records = InMemoryRecords(self.check)
        self.limits = InMemoryLimits(self.check)

    @property
    def phone_verifications(self) -> dict[PhoneNumber, Versioned[PhoneVerification]]:
        loaded = self.load_all(PhoneVerificationMapping(PHONE_VERIFICATIONS))
        return {PhoneNumber(number): verification for number, verification in loaded.items()}

    @property
    def identities(self) -> dict[str, Versioned[Identity]]:
        return self.load_all(IdentityMapping(IDENTITIES, self.encryption))

    @property
    def delivery_reports(self) -> dict[str, Versioned[DeliveryReport]]:
        return self.load_all(RecordMapping(DELIVERY_REPORTS, DeliveryReport))

    @property
    def audit_entries(self) -> list[AuditEntry]:
        """All audit entries, in the order in which they were written."""
        stored = self.load_all(RecordMapping(AUDIT_ENTRIES, AuditEntry))
        return [entry.value for entry in stored.values()]

    @property
    def permits(self) -> Counter[str]:
        """The number of permits by the record id and the name of their limit."""
        return self.limits.count_permits()

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[Database]:
        """Yield the stores, as adapters do when they are opened."""
        yield self.stores

    @property
    def stores(self) -> Database:
        """Its stores, of which a feature makes its repositories."""
        return Database(self.records, self.limits, self)

    def repositories(self, observer: ChangeObserver | None = None) -> Repositories:
        """Return all repositories over this database. Their calls may be made to fail."""
        return self.fallible(make_repositories(self.stores, self.encryption, observer=observer))

    def limit_store(self) -> LimitStore:
        """Return its limits. Their calls may be made to fail."""
        port: LimitStore = _Port(self, "limit_store", self.limits)
        return port

    def fallible(self, repositories: P) -> P:
        """Return a dataclass of repositories, such as those of a feature, whose calls may fail.

        The fault injector knows each by the name of its kind, or of the field if it has none.
        """
        ports: dict[str, Any] = {}
        for field in fields(repositories):
            repository = getattr(repositories, field.name)
            kind = getattr(repository, "kind", None)
            ports[field.name] = _Port(self, kind.name if kind else field.name, repository)
        return type(repositories)(**ports)

    async def check(self) -> None:
        """Let other tasks run, so that races are real.

        Raises:
            StorageUnavailable
        """
        await asyncio.sleep(0)
        if self.is_unavailable:
            raise StorageUnavailable("unavailable")

    def load_all(self, mapping: RecordMapping[T, Any], *ids: str) -> dict[str, Versioned[T]]:
        """Return all values of a kind by their ids, or these: a copy of what is stored."""
        stored = self.records.tables[mapping.kind.name]
        rows = {one: stored[one] for one in ids or stored}
        records = {one: _read(mapping.kind, one, row).record for one, row in rows.items()}
        return {
            one: Versioned(mapping.to_value(record), rows[one].version)
            for one, record in records.items()
        }


@dataclass(frozen=True)
class _Port:
    """The operations of a repository, named for the fault injector."""

    database: InMemoryDatabase
    name: str
    repository: object

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*arguments: object, **options: object) -> object:
            operation = name_operation(self.name, self.repository, method, arguments)
            is_lost = await self.database.faults.on_call(operation, StorageUnavailable)
            result = await getattr(self.repository, method)(*arguments, **options)
            if is_lost:
                raise StorageTimeout(f"no response of {operation}")
            return result

        return call

"""A database in memory, as plainly as possible: the reference for another one.

Settings: DIALTONE_DATABASE=tests.contract.examples.memory_database:open_memory_database. Its data
ends with the process, so it is for reading and for tests.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any, Final, TypeVar, cast

from adapters.databases.records.call_deadlines import CallDeadlines
from adapters.databases.records.database import Database
from adapters.databases.records.limits import (
    LIMITS,
    LimitRecords,
    acquire,
    count_used,
    find_available,
    record_ids,
    release,
)
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import EXPIRES_AT, Fields, Index, Record, RecordKind
from adapters.databases.records.record_store import IndexPosition, RecordStore, StoredRecord
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
from application.ports.limits import LimitStore
from domain.otp.rate_limits import RateLimit

T = TypeVar("T")
R = TypeVar("R", bound=Record)
Arrive = Callable[[], Awaitable[None]]
"""Lets other tasks run before a call acts, or raises StorageUnavailable."""
NATIVE_TYPES: Final = (datetime, bytes)
TIMEOUT: Final = 4.5
"""Seconds for all calls of a request together, and for a call without one."""
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
        return {one: read_row(kind, one, rows[one]) for one in record_ids if one in rows}

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /, *, offset: int = 0
    ) -> Sequence[StoredRecord[R]]:
        rows = await self._rows(kind)
        later = sorted(one for one in rows if one > after_id)
        return [read_row(kind, one, rows[one]) for one in later[offset:][:limit]]

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
        return [read_row(kind, one, rows[one]) for _, one in positions[offset:][:limit]]

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

    async def _rows(self, kind: RecordKind[R]) -> Table:
        await self._arrive()
        return self.tables[kind.name]


def read_row(kind: RecordKind[R], record_id: str, row: Row) -> StoredRecord[R]:
    """Return a record of a row, as `load` does."""
    stored = row.fields
    if stored.get("schema_version") != kind.schema_version:
        stored = deepcopy(stored)  # An upgrade may change it.
    try:
        record = kind.convert(stored)
    except CorruptRecord as error:
        raise error.of_record(record_id) from None
    return StoredRecord(record_id, record, row.version)


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

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        await self._arrive()
        records = self._read(record_ids(limits))
        available_at = acquire(limits, records, now)
        self._write(records)
        return available_at

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        await self._arrive()
        records = self._read(record_ids(limits))
        release(limits, records, acquired_at)
        self._write(records)

    async def next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        await self._arrive()
        return find_available(limits, self._read(record_ids(limits)), now)

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        await self._arrive()
        return count_used(limits, self._read(record_ids(limits)), now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self._arrive()
        expired = [one for one, record in self.stored.items() if record[EXPIRES_AT] <= now]
        for record_id in expired[:limit]:
            del self.stored[record_id]
        return len(expired[:limit])

    def _read(self, ids: Collection[str]) -> LimitRecords:
        return {one: LIMITS.convert(self.stored[one]) for one in ids if one in self.stored}

    def _write(self, records: LimitRecords) -> None:
        for record_id, record in records.items():
            unknown = self.stored.get(record_id, {})
            self.stored[record_id] = {**unknown, **LIMITS.to_fields(record, NATIVE_TYPES)}


@dataclass(slots=True)
class _Place:
    """What a database has stored, for all who open it."""

    key_fingerprint: str
    tables: dict[str, Table] = field(default_factory=lambda: defaultdict(dict))
    limits: dict[str, Fields] = field(default_factory=dict)


_PLACES: Final[dict[str, _Place]] = {}
_OTHER_KEYS: Final = "This database was written with other keys: start with those."


class _Connection:
    """The way of one adapter to what is stored: a `HealthCheck`.

    Its last methods are for the contract tests.
    """

    def __init__(self) -> None:
        """Begin open."""
        self.is_open = True
        self._is_broken = False
        self._answers = asyncio.Event()
        self._answers.set()
        self._deadlines = CallDeadlines(TIMEOUT)

    async def check(self) -> None:
        """Let other tasks run, so that races are real.

        Raises:
            StorageUnavailable: the adapter is closed, or the tests have broken it.
        """
        await asyncio.sleep(0)
        if not self.is_open or self._is_broken:
            raise StorageUnavailable("the database is closed")

    async def make(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, and return its result as soon as it is answered.

        Raises:
            StorageTimeout: it is not answered in time, and may have been done.
        """

        async def call_until(deadline: float) -> T:
            result = await call()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._answers.wait()
            except TimeoutError:
                raise StorageTimeout("the database does not answer in time") from None
            return result

        return await self._deadlines.limit(call_until)

    def provider_is(self, state: str) -> None:
        """Make every call fail from now on, do it without an answer, or answer again."""
        self._is_broken = state == "away"
        if state == "silent":
            self._answers.clear()
        else:
            self._answers.set()


class _Store:
    """A store whose calls are made over a connection, with the methods for the contract tests."""

    is_volatile = True
    """It keeps nothing when its process ends."""

    def __init__(self, store: object, connection: _Connection) -> None:
        """Set the store and the connection."""
        self._store = store
        self._connection = connection
        self.provider_is = connection.provider_is

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._store, name)

        @wraps(method)
        async def call(*args: Any, **options: Any) -> Any:
            return await self._connection.make(partial(method, *args, **options))

        return call


@asynccontextmanager
async def open_memory_database(
    *, environ: Mapping[str, str], phone_encryption: PhoneEncryption
) -> AsyncIterator[Database]:
    """Open the database of a place. It stays in memory until the process ends."""
    fingerprint = phone_encryption.key_fingerprint()
    place = _PLACES.setdefault(environ.get("DIALTONE_TEST_PLACE", ""), _Place(fingerprint))
    if place.key_fingerprint != fingerprint:
        raise ConfigurationError(_OTHER_KEYS)
    connection = _Connection()
    records, limits = InMemoryRecords(connection.check), InMemoryLimits(connection.check)
    records.tables, limits.stored = place.tables, place.limits
    yield Database(
        cast("RecordStore", _Store(records, connection)),
        cast("LimitStore", _Store(limits, connection)),
        connection,
    )
    connection.is_open = False

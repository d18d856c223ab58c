"""Records whose calls pass through a circuit breaker, or are repeated after an outage."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from adapters.records.record_kind import Index, Record, RecordKind
from adapters.records.record_store import (
    IndexPosition,
    RecordStore,
    Replacement,
    StoredRecord,
    estimate_size,
    replace_all,
)

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class CallGuard(Protocol):
    """Decides whether and how often a call to the database is made."""

    async def read(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that changes nothing."""
        ...

    async def write(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may change something."""
        ...


@dataclass(frozen=True, slots=True)
class GuardedRecords:
    """A `RecordStore` whose calls pass through a guard."""

    records: RecordStore
    guard: CallGuard

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        """Return those of the records that exist, by id."""
        return await self.guard.read(lambda: self.records.load(kind, record_ids))

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /
    ) -> Sequence[StoredRecord[R]]:
        """Return records in the order of their ids."""
        return await self.guard.read(lambda: self.records.scan(kind, after_id, limit))

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
        """Return records of a range of an index."""
        return await self.guard.read(
            lambda: self.records.find(
                kind,
                index,
                equal,
                until=until,
                after=after,
                newest_first=newest_first,
                limit=limit,
                offset=offset,
            )
        )

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
        """Return how many records there are in a range of an index."""
        return await self.guard.read(
            lambda: self.records.count(kind, index, equal, limit, may_estimate=may_estimate)
        )

    async def estimate_size(self, kind: RecordKind[R], /) -> int:
        """Return about how many records of a kind there are."""
        return await self.guard.read(lambda: estimate_size(self.records, kind))

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        """Add a record."""
        return await self.guard.write(lambda: self.records.add(kind, record_id, record, version))

    async def replace(
        self, kind: RecordKind[R], record_id: str, record: R, version: int, /
    ) -> bool:
        """Replace a record."""
        return await self.guard.write(
            lambda: self.records.replace(kind, record_id, record, version)
        )

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        """Replace several records."""
        return await self.guard.write(lambda: replace_all(self.records, kind, replacements))

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        """Delete a record."""
        return await self.guard.write(lambda: self.records.delete(kind, record_id, version))

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        """Delete records that have expired."""
        return await self.guard.write(lambda: self.records.delete_expired(kind, now, limit))

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        """Replace one field of a record."""
        return await self.guard.write(
            lambda: self.records.overwrite(kind, record_id, field, value, version)
        )

    async def move(
        self, kind: RecordKind[R], record_id: str, new_id: str, record: R, version: int, /
    ) -> None:
        """Give a record another id."""
        await self.guard.write(lambda: self.records.move(kind, record_id, new_id, record, version))

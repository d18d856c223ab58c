"""A shared database behind a circuit breaker."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from adapters.records.circuit_breaker import CircuitBreaker
from adapters.records.database import Database
from adapters.records.kinds import LEASES
from adapters.records.record_kind import Index, Record, RecordKind
from adapters.records.record_store import (
    Position,
    RecordStore,
    Replacement,
    StoredRecord,
    replace_all,
)
from application.ports.limits import LimitStore
from application.ports.system import HealthCheck
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation

R = TypeVar("R", bound=Record)


@asynccontextmanager
async def guard_database(database: Database) -> AsyncIterator[Database]:
    """Put a circuit breaker around an open database, until the end of the block."""
    breaker = CircuitBreaker(
        lambda: database.records.load(LEASES, ["health check"]), database.health.check
    )
    try:
        yield Database(
            GuardedRecords(database.records, breaker),
            GuardedLimits(database.limits, breaker),
            GuardedHealthCheck(database.health, breaker),
        )
    finally:
        await breaker.stop()


@dataclass(frozen=True, slots=True)
class GuardedHealthCheck:
    """Checks the database also while no call is made; its success ends that."""

    health_check: HealthCheck
    breaker: CircuitBreaker

    async def check(self) -> None:
        """Return when the database accepts writes."""
        await self.breaker.check(self.health_check.check)


@dataclass(frozen=True, slots=True)
class GuardedRecords:
    """The `RecordStore` of a database, through the breaker."""

    records: RecordStore
    breaker: CircuitBreaker

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        """Return those of the records that exist, by id."""
        return await self.breaker.read(lambda: self.records.load(kind, record_ids))

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /
    ) -> Sequence[StoredRecord[R]]:
        """Return records in the order of their ids."""
        return await self.breaker.read(lambda: self.records.scan(kind, after_id, limit))

    async def find(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str] = (),
        /,
        *,
        until: datetime | None = None,
        after: Position | None = None,
        newest_first: bool = False,
        limit: int,
        offset: int = 0,
    ) -> Sequence[StoredRecord[R]]:
        """Return records of a range of an index."""
        return await self.breaker.read(
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
        return await self.breaker.read(
            lambda: self.records.count(kind, index, equal, limit, may_estimate=may_estimate)
        )

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        """Add a record."""
        return await self.breaker.write(lambda: self.records.add(kind, record_id, record, version))

    async def replace(
        self, kind: RecordKind[R], record_id: str, record: R, version: int, /
    ) -> bool:
        """Replace a record."""
        return await self.breaker.write(
            lambda: self.records.replace(kind, record_id, record, version)
        )

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        """Replace several records."""
        return await self.breaker.write(lambda: replace_all(self.records, kind, replacements))

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        """Delete a record."""
        return await self.breaker.write(lambda: self.records.delete(kind, record_id, version))

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        """Delete records that have expired."""
        return await self.breaker.write(lambda: self.records.delete_expired(kind, now, limit))

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        """Replace one field of a record."""
        return await self.breaker.write(
            lambda: self.records.overwrite(kind, record_id, field, value, version)
        )

    async def move(
        self, kind: RecordKind[R], record_id: str, new_id: str, record: R, version: int, /
    ) -> None:
        """Give a record another id."""
        await self.breaker.write(
            lambda: self.records.move(kind, record_id, new_id, record, version)
        )


@dataclass(frozen=True, slots=True)
class GuardedLimits:
    """The `LimitStore` of a database, through the breaker."""

    limits: LimitStore
    breaker: CircuitBreaker

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        """Acquire several reservations."""
        return await self.breaker.write(lambda: self.limits.acquire(*reservations))

    async def release(self, acquisition: Acquisition) -> None:
        """Release permits."""
        await self.breaker.write(lambda: self.limits.release(acquisition))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when a reservation succeeds."""
        return await self.breaker.read(lambda: self.limits.next_available(reservation))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        """Return how many permits of each limit count now."""
        return await self.breaker.read(lambda: self.limits.count_used(limits, now))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete records without permits that count."""
        return await self.breaker.write(lambda: self.limits.delete_expired(now, limit))

"""The database and the limit store, with a measurement of each call."""

import asyncio
import time
from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from prometheus_client import Histogram

from adapters.metrics.metrics import Metrics, class_label
from adapters.records.record_kind import Index, Record, RecordKind
from adapters.records.record_store import (
    IndexPosition,
    RecordStore,
    Replacement,
    StoredRecord,
    estimate_size,
    replace_all,
)
from application.ports.errors import PortError, UniqueViolation
from application.ports.limits import LimitStore
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation

T = TypeVar("T")
R = TypeVar("R", bound=Record)

GAUGE_INTERVAL: Final = 0.1
"""Seconds from a call to the gauge of calls in progress."""


class StoreMeter:
    """The metrics of one store."""

    def __init__(self, metrics: Metrics, store: str) -> None:
        self._metrics = metrics
        self._store = store
        self._gauge = metrics.storage_calls_in_progress.labels(store)
        # A former process with this id may have been killed during calls.
        self._gauge.set(0)
        self._in_progress = 0
        self._is_gauge_due = False
        self._durations: dict[str, Histogram] = {}

    async def measure(self, operation: str, call: Coroutine[Any, Any, T]) -> T:
        """Await the call, and observe its time and its error."""
        self._in_progress += 1
        if not self._is_gauge_due:
            # Not at each call: nobody sees how the gauge was between two requests for metrics.
            self._is_gauge_due = True
            asyncio.get_running_loop().call_later(GAUGE_INTERVAL, self._set_gauge)
        started = time.perf_counter()
        try:
            return await call
        except UniqueViolation:
            raise  # it is a result
        except PortError as error:
            name = class_label(type(error))
            self._metrics.storage_errors.labels(self._store, operation, name).inc()
            raise
        finally:
            self._in_progress -= 1
            duration = self._durations.get(operation) or self._find_duration(operation)
            duration.observe(time.perf_counter() - started)

    def _set_gauge(self) -> None:
        self._gauge.set(self._in_progress)
        self._is_gauge_due = self._in_progress > 0
        if self._is_gauge_due:
            asyncio.get_running_loop().call_later(GAUGE_INTERVAL, self._set_gauge)

    def _find_duration(self, operation: str) -> Histogram:
        found = self._metrics.storage_duration.labels(self._store, operation)
        self._durations[operation] = found
        return found


class MeasuredRecordStore:
    """A record store whose calls are measured."""

    def __init__(self, records: RecordStore, metrics: Metrics) -> None:
        """Measure the calls of this record store."""
        self._records = records
        self._measure = StoreMeter(metrics, "database").measure

    # No coroutines of their own: each authenticated request loads a record.
    def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Coroutine[Any, Any, Mapping[str, StoredRecord[R]]]:
        """Return those of the records that exist, by id."""
        return self._measure("load", self._records.load(kind, record_ids))

    def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /
    ) -> Coroutine[Any, Any, Sequence[StoredRecord[R]]]:
        """Return records in the order of their ids."""
        return self._measure("scan", self._records.scan(kind, after_id, limit))

    def find(
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
    ) -> Coroutine[Any, Any, Sequence[StoredRecord[R]]]:
        """Return records of a range of an index."""
        found = self._records.find(
            kind,
            index,
            equal,
            until=until,
            after=after,
            newest_first=newest_first,
            limit=limit,
            offset=offset,
        )
        return self._measure("find", found)

    def count(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str],
        limit: int,
        /,
        *,
        may_estimate: bool = False,
    ) -> Coroutine[Any, Any, int]:
        """Return how many records there are in a range of an index."""
        counted = self._records.count(kind, index, equal, limit, may_estimate=may_estimate)
        return self._measure("count", counted)

    def estimate_size(self, kind: RecordKind[R], /) -> Coroutine[Any, Any, int]:
        """Return about how many records of a kind there are."""
        return self._measure("estimate_size", estimate_size(self._records, kind))

    def add(
        self, kind: RecordKind[R], record_id: str, record: R, version: int, /
    ) -> Coroutine[Any, Any, bool]:
        """Add a record."""
        return self._measure("add", self._records.add(kind, record_id, record, version))

    def replace(
        self, kind: RecordKind[R], record_id: str, record: R, version: int, /
    ) -> Coroutine[Any, Any, bool]:
        """Replace the known fields of a record."""
        return self._measure("replace", self._records.replace(kind, record_id, record, version))

    def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> Coroutine[Any, Any, int]:
        """Replace several records."""
        replaced = replace_all(self._records, kind, replacements)
        return self._measure("replace_all", replaced)

    def delete(
        self, kind: RecordKind[R], record_id: str, version: int, /
    ) -> Coroutine[Any, Any, bool]:
        """Delete a record."""
        return self._measure("delete", self._records.delete(kind, record_id, version))

    def delete_expired(
        self, kind: RecordKind[R], now: datetime, limit: int, /
    ) -> Coroutine[Any, Any, int]:
        """Delete records that have expired."""
        deleted = self._records.delete_expired(kind, now, limit)
        return self._measure("delete_expired", deleted)

    def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> Coroutine[Any, Any, bool]:
        """Replace one field of a record."""
        overwritten = self._records.overwrite(kind, record_id, field, value, version)
        return self._measure("overwrite", overwritten)

    def move(
        self, kind: RecordKind[R], record_id: str, new_id: str, record: R, version: int, /
    ) -> Coroutine[Any, Any, None]:
        """Give a record another id."""
        return self._measure("move", self._records.move(kind, record_id, new_id, record, version))


class MeasuredLimitStore:
    """A limit store whose calls are measured."""

    def __init__(self, limits: LimitStore, metrics: Metrics) -> None:
        """Measure the calls of this limit store."""
        self._limits = limits
        self._measure = StoreMeter(metrics, "limits").measure

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        """Acquire several reservations."""
        return await self._measure("acquire", self._limits.acquire(*reservations))

    async def release(self, acquisition: Acquisition) -> None:
        """Release permits."""
        await self._measure("release", self._limits.release(acquisition))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when a reservation succeeds."""
        return await self._measure("next_available", self._limits.next_available(reservation))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        """Return how many permits of each limit count."""
        return await self._measure("count_used", self._limits.count_used(limits, now))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete records without permits that count."""
        return await self._measure("delete_expired", self._limits.delete_expired(now, limit))

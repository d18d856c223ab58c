"""The database and the limit store, with a measurement of each call."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from prometheus_client import Histogram

from adapters.databases.records.record_store import RecordStore
from adapters.databases.records.store_calls import wrap_methods, wrap_store
from adapters.operations.metrics.metrics import Metrics, class_label
from application.ports.errors import PortError, StorageOverloaded, UniqueViolation
from application.ports.limits import LimitStore

T = TypeVar("T")

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

    def measure_methods(
        self, store: object, methods: Iterable[str]
    ) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        return wrap_methods(store, methods, self.measure_call)

    def measure_call(self, method: str, call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return self.measure(method, call())

    async def measure(self, operation: str, call: Awaitable[T]) -> T:
        self._in_progress += 1
        if not self._is_gauge_due:
            # Not at each call: its values between two requests for metrics are never seen.
            self._is_gauge_due = True
            asyncio.get_running_loop().call_later(GAUGE_INTERVAL, self._set_gauge)
        started = time.perf_counter()
        try:
            return await call
        except UniqueViolation:
            raise  # it is a result
        except StorageOverloaded:
            # No failure of the store, and none of its alerts.
            self._metrics.storage_overloads.labels(self._store, operation).inc()
            raise
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


def measure_records(records: RecordStore, metrics: Metrics) -> RecordStore:
    """Return a record store whose calls are measured."""
    return wrap_store(records, StoreMeter(metrics, "database").measure_call)


def measure_limits(limits: LimitStore, metrics: Metrics) -> LimitStore:
    """Return a limit store whose calls are measured."""
    return wrap_store(limits, StoreMeter(metrics, "limits").measure_call)

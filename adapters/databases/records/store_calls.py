"""Wrappers of each call of a store: a measurement, a circuit breaker, repetitions."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from dataclasses import replace
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import LEASES
from application.ports.errors import (
    PortError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)
from application.ports.limits import LimitStore
from application.ports.system import HealthCheck
from application.tasks import start_task

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")
_Check = Callable[[], Awaitable[object]]

_READS: Final = frozenset(
    ("load", "scan", "find", "count", "estimate_size", "next_available", "count_used")
)
_RECORD_WRITES: Final = frozenset(
    ("add", "replace", "replace_all", "delete", "delete_expired", "overwrite")
)
_METHODS: Final = _READS | _RECORD_WRITES | {"acquire", "release", "check"}
MAX_FAILURES: Final = 3
"""Failures in a row until calls fail at once."""
CHECK_INTERVAL: Final = 1.0
"""Seconds from one check to the next."""

_log = logging.getLogger(__name__)


class AroundCall(Protocol):
    """Makes a call of a method, when and as often as it likes."""

    def __call__(self, method: str, call: Callable[[], Awaitable[T]], /) -> Awaitable[T]: ...


def wrap_store(store: S, around: AroundCall) -> S:
    """Return a store with a function around each call, also of its optional methods."""
    return cast("S", SimpleNamespace(**wrap_methods(store, _METHODS, around)))


def wrap_database(database: Database, around: AroundCall) -> Database:
    """Return a database with a function around each call of its two stores."""
    return replace(
        database,
        records=wrap_store(database.records, around),
        limits=wrap_store(database.limits, around),
    )


def wrap_methods(
    store: object, methods: Iterable[str], around: AroundCall
) -> Mapping[str, Callable[..., Awaitable[Any]]]:
    """Return those of the methods that a store has, with a function around each call."""
    return {
        name: _wrap_method(name, getattr(store, name), around)
        for name in methods
        if hasattr(store, name)
    }


def _wrap_method(
    name: str, method: Callable[P, Awaitable[T]], around: AroundCall
) -> Callable[P, Awaitable[T]]:
    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return around(name, partial(method, *args, **kwargs))

    return call


@contextmanager
def guard_database(database: Database) -> Iterator[Database]:
    """Put circuit breakers around an open database, until the end of the block."""
    check_reads = partial(database.records.load, LEASES, ["health check"])
    with _guard("database", check_reads, database.health.check) as guard:
        yield wrap_database(database, guard)


@contextmanager
def guard_limits(limits: LimitStore, health: HealthCheck) -> Iterator[LimitStore]:
    """Put circuit breakers around a limit store beside the database, until the end of the block."""
    with _guard("limits", health.check, health.check) as guard:
        yield wrap_store(limits, guard)


@contextmanager
def _guard(store: str, check_reads: _Check, check_writes: _Check) -> Iterator[AroundCall]:
    """Tell reads and writes apart: while a standby is missing, a database answers reads only."""
    reads = CircuitBreaker(check_reads, store, "reads")
    writes = CircuitBreaker(check_writes, store, "writes")

    def guard(method: str, call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return (reads if method in _READS else writes).call(call)

    try:
        yield guard
    finally:
        reads.stop()
        writes.stop()


class CircuitBreaker:
    """Makes calls of a store, unless the last ones have failed.

    - `StorageUnavailable` and `StorageTimeout` are failures. With any other error the store has
      answered. A call that was cancelled is neither, nor is `StorageOverloaded`: it says nothing.
    - After `MAX_FAILURES` in a row calls fail at once, and a check runs every second until it
      succeeds. The first one runs at once: a lost connection may have failed many calls.
    - Every success lets all calls through again, also of a call that began before the failures.
    """

    def __init__(self, check: _Check, store: str, operations: str) -> None:
        self._check = check
        self._reason = f"the {store} did not answer the last calls"
        self._names = {"store": store, "operations": operations}
        self._failures = 0
        self._opened_at = 0.0
        self._checks: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def call(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call.

        Raises:
            StorageUnavailable: Also if the last calls have failed.
            PortError: What the call raises.
        """
        if self._failures >= MAX_FAILURES:
            raise StorageUnavailable(self._reason)
        try:
            result = await call()
        except (StorageUnavailable, StorageTimeout) as error:
            self._count_failure(error)
            raise
        except StorageOverloaded:
            raise
        except PortError:
            self._close()
            raise
        self._close()
        return result

    def stop(self) -> None:
        self._is_stopped = True
        if self._checks is not None:
            self._checks.cancel()

    def _count_failure(self, error: PortError) -> None:
        self._failures += 1
        if self._failures != MAX_FAILURES or self._is_stopped:
            return
        self._opened_at = asyncio.get_running_loop().time()
        _log.warning({"event": "database_unavailable", **self._names, "reason": str(error)})
        # It belongs to no request, whose time limit it would have.
        self._checks = start_task("check_database", self._check_until_closed(), context=Context())

    def _close(self) -> None:
        was_open, self._failures = self._failures >= MAX_FAILURES, 0
        if self._checks is None or not was_open:
            return
        self._checks.cancel()
        seconds = asyncio.get_running_loop().time() - self._opened_at
        _log.warning(
            {
                "event": "database_available",
                **self._names,
                "duration_ms": round(seconds * 1000, 1),
            }
        )

    async def _check_until_closed(self) -> None:
        while True:
            try:
                await self._check()
            except Exception:  # noqa: BLE001 -- an operator's own store may raise anything
                await asyncio.sleep(CHECK_INTERVAL)
            else:
                self._close()
                return

"""Reads by id, writes of records, and changes of limits: together if they arrive together."""

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextvars import Context
from functools import partial
from typing import Final, Generic, TypeVar

from application.ports.current_request import BATCHED_REQUESTS, CurrentRequest, list_requests
from application.ports.errors import (
    ERRORS_OF_RECORDS,
    PortError,
    StorageError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
from application.tasks import is_ended, start_task

K = TypeVar("K")
T = TypeVar("T")
E = TypeVar("E", bound=Exception)

MAX_BATCH_SIZE: Final = 100
MAX_BATCHES: Final = 2
MAX_SPLIT_SECONDS: Final = 4.0
"""Time after the start of a batch from which no part of it is tried any more."""
_OUT_OF_TIME: Final = "the time ended before all parts of a batch were tried"

_log = logging.getLogger(__name__)


class Entry(Generic[K, T]):
    """A key or a call of a batch, and all who wait for its result."""

    __slots__ = ("_callers", "content")

    def __init__(self, content: K) -> None:
        self.content = content
        self._callers: list[tuple[asyncio.Future[T], Sequence[CurrentRequest]]] = []

    def add_caller(
        self, result: asyncio.Future[T], requests: Sequence[CurrentRequest] | None = None
    ) -> None:
        """Add a caller, who works for these requests; by default for those of the running code."""
        self._callers.append((result, list_requests() if requests is None else requests))

    @property
    def is_wanted(self) -> bool:
        for result, _ in self._callers:  # noqa: SIM110 -- each key comes here, and `any` is slower
            if not result.done():
                return True
        return False

    @property
    def requests(self) -> Iterator[CurrentRequest]:
        return (request for _, requests in self._callers for request in requests)

    def resolve(self, value: T) -> None:
        for result, _ in self._callers:
            if not result.done():
                result.set_result(value)

    def fail(self, error: Exception) -> None:
        """Raise an error in all who wait: an object of its own in each."""
        for result, _ in self._callers:
            if not result.done():
                result.set_exception(error)
                error = copy_error(error)

    def cancel(self) -> None:
        """Cancel all who wait. Nothing happens to those who have a result."""
        for result, _ in self._callers:
            result.cancel()


def copy_error(error: E) -> E:
    """Return an equal error for another task, with the same traceback and causes.

    What a task raises gets the frames and the context of that task, so an object that several of
    them raise would have those of others in the log. An error whose class cannot be copied is
    returned itself.
    """
    try:
        copied = copy.copy(error)
    except Exception:  # noqa: BLE001 -- `__init__` of a driver's class may raise anything
        return error
    if type(copied) is not type(error) or copied.args != error.args:
        return error
    copied.__cause__, copied.__context__ = error.__cause__, error.__context__
    copied.__suppress_context__ = error.__suppress_context__
    return copied.with_traceback(error.__traceback__)


def is_of_database(error: Exception) -> bool:
    """Return whether an error is that of the database, and of no single record or value.

    Then each part of a batch would fail too, and a server that is down would get more calls.
    """
    return isinstance(error, StorageError) and not isinstance(error, ERRORS_OF_RECORDS)


def has_changed_nothing(error: Exception) -> bool:
    """Return whether a batch that raised an error has certainly changed nothing."""
    return isinstance(error, (*ERRORS_OF_RECORDS, UniqueViolation))


class BatchQueue(Generic[K, T]):
    """Executes entries that arrive together in batches.

    - A batch does not wait for entries: it begins in the next iteration of the event loop, with all
      that arrive in this one, unless enough batches are under way.
    - An entry whose caller has given up when its batch begins is not executed. A caller that is
      cancelled later affects no others.
    - An error of the database fails all of its batch, and no others. If another error has changed
      nothing, the batch is executed in smaller and smaller parts, until the error is that of one
      entry.
    - A batch belongs to no request, so that no limit of one affects the others. Its lines in the
      log name the requests in it.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Entry[K, T]]], Awaitable[None]],
        kind: str,
        may_split: Callable[[Exception], bool] = has_changed_nothing,
        max_batches: int = MAX_BATCHES,
    ) -> None:
        """Set how batches are executed.

        `execute` resolves the entries, and may raise anything. `may_split` says whether
        the entries of a part that raised an error may be executed again; those that have their
        result are not.
        """
        self._execute = execute
        self._kind = kind
        self._may_split = may_split
        self._max_batches = max_batches
        self._waiting: dict[Hashable, Entry[K, T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Each executes one batch after the other, until nothing waits."""
        self._next_task: asyncio.Task[None] | None = None

    def add(
        self,
        content: K,
        key: Hashable = None,
        requests: Sequence[CurrentRequest] | None = None,
    ) -> asyncio.Future[T]:
        """Add an entry, or join the one with this key that waits; return its future result."""
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        entry = self._waiting.get(key)
        if entry is None:
            entry = Entry(content)
            self._waiting[entry if key is None else key] = entry
        entry.add_caller(result, requests)
        self._start_task()
        return result

    async def finish(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start_task(self) -> None:
        is_next = self._next_task is not None and not self._next_task.done()
        if is_next or len(self._tasks) >= self._max_batches:
            return
        # It belongs to no request, whose time limit it would have.
        task = start_task(f"batch_{self._kind}", self._execute_batches(), context=Context())
        self._next_task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _execute_batches(self) -> None:
        task, self._next_task = self._next_task, None
        batch: Sequence[Entry[K, T]] = ()
        try:
            while batch := self._next_batch():
                if self._waiting:
                    self._start_task()
                await self._execute_in_parts(batch)
        finally:
            # At once: what arrives before the callback needs another task.
            self._tasks.discard(task)
            others = () if self._tasks else self._waiting.values()
            for entry in (*batch, *others):
                entry.cancel()

    def _next_batch(self) -> Sequence[Entry[K, T]]:
        batch: list[Entry[K, T]] = []
        while self._waiting and len(batch) < MAX_BATCH_SIZE:
            entry = self._waiting.pop(next(iter(self._waiting)))
            if entry.is_wanted:
                batch.append(entry)
        return batch

    async def _execute_in_parts(self, batch: Sequence[Entry[K, T]]) -> None:
        """Execute a batch, and find the entries that cause an error by halving the batch.

        - Entries whose callers have given up are not executed, so deadlines of callers hold.
          After `MAX_SPLIT_SECONDS` the rest fails.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + MAX_SPLIT_SECONDS
        parts = [batch]
        cause: Exception | None = None
        while parts:
            if cause is not None and loop.time() > end:
                out_of_time = StorageUnavailable(_OUT_OF_TIME)
                out_of_time.__cause__ = cause
                _fail(_join(parts), out_of_time, self._kind)
                return
            part = parts.pop() if cause is None else [one for one in parts.pop() if one.is_wanted]
            BATCHED_REQUESTS.set(partial(_requests_of, part))
            try:
                if part:
                    await self._execute(part)
            # Also what an operator's own database may raise: SystemExit would end the process.
            except BaseException as raised:
                if isinstance(raised, asyncio.CancelledError) and is_ended():
                    raise
                cause = _error_for_callers(raised)
                if len(part) > 1 and self._may_split(cause):
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                elif is_of_database(cause):
                    _fail([*part, *_join(parts)], cause, self._kind)
                    return
                else:
                    _fail(part, cause, self._kind)


def _error_for_callers(error: BaseException) -> Exception:
    """Return an error for callers, who do not end with a call of the batch that was ended."""
    if isinstance(error, Exception):
        return error
    return StorageTimeout(f"it was ended by {type(error).__name__}")


def _requests_of(entries: Iterable[Entry[K, T]]) -> Iterator[CurrentRequest]:
    return (request for entry in entries for request in entry.requests)


def _join(parts: Sequence[Sequence[Entry[K, T]]]) -> Sequence[Entry[K, T]]:
    return [entry for part in reversed(parts) for entry in part]


def _fail(entries: Sequence[Entry[K, T]], error: Exception, kind: str) -> None:
    BATCHED_REQUESTS.set(partial(_requests_of, entries))
    log_batch_error(kind, len(entries), error)
    for entry in entries:
        entry.fail(error)
        error = copy_error(error)


def log_batch_error(kind: str, size: int, error: Exception) -> None:
    """Log that a batch, or a part of it, has failed.

    An error of the database in a batch of one request is in the line of this request already. An
    overload has lines of its own, however many batches it rejects. A value that is taken is no
    failure.
    """
    if isinstance(error, StorageOverloaded | UniqueViolation):
        return
    if is_of_database(error) and len(set(list_requests())) <= 1:
        return
    line = {"event": "database_batch_failed", "kind": kind, "size": size}
    if isinstance(error, PortError):
        _log.warning({**line, "error": type(error).__name__, "reason": str(error)})
    else:
        _log.error(line, exc_info=error)

"""A thread for each connection. Operations that wait are executed together, as one transaction."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from adapters.databases.records.batches import log_batch_error
from adapters.databases.records.call_deadlines import EXTENSION, LATE, MAX_EXTENSIONS, Answers
from adapters.databases.sqlite.errors import SQLITE_ERRORS, SqliteError, to_port_error
from adapters.shared.threads import start_thread
from application.ports.current_request import BATCHED_REQUESTS, CurrentRequest, list_requests
from application.ports.errors import PortError, StorageTimeout, StorageUnavailable

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]
"""Statements that succeed or fail together."""

Parameters = Mapping[str, object] | Sequence[object]

MAX_WAITING_OPERATIONS: Final = 4096
MAX_BATCH_SIZE: Final = 100
OPERATION_TIMEOUT: Final = 15.0
"""Seconds, longer than any wait for a lock: only a disk that hangs takes longer."""
_EXIT_TIMEOUT: Final = 1.0
_TOO_MANY_OPERATIONS: Final = "too many operations wait for the database"


@dataclass(frozen=True, slots=True)
class Statement:
    """An operation of one statement, which returns the number of rows that it changed."""

    sql: str
    values: Parameters

    def __call__(self, connection: sqlite3.Connection) -> int:
        return connection.execute(self.sql, self.values).rowcount


@dataclass(frozen=True, slots=True)
class Failed:
    """The result of an operation that had no effect."""

    error: Exception


ExecuteBatch = Callable[[sqlite3.Connection, Sequence[Operation[Any]]], Sequence[object]]
"""Executes operations in order, and returns the result of each or `Failed`."""


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    operation: Operation[T]
    result: asyncio.Future[T]
    requested_at: float
    requests: Sequence[CurrentRequest]


class ConnectionWorker:
    """Executes operations on one connection, in the order in which they were requested.

    - An operation whose caller was cancelled or timed out before its turn is not executed.
    - Lines that the thread logs name the requests of the operations that it executes together.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        execute_batch: ExecuteBatch,
    ) -> None:
        self.answers = Answers()
        self._loop = asyncio.get_running_loop()
        self._finished = self._loop.create_future()
        self._connection = connection
        self._execute_batch = execute_batch
        self._unfinished: deque[_Request[Any]] = deque()
        self._queue: SimpleQueue[_Request[Any] | None] = SimpleQueue()
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = True

    def has_waited(self, seconds: float) -> bool:
        oldest = self._unfinished[0] if self._unfinished else None
        return oldest is not None and self._loop.time() - oldest.requested_at > seconds

    def run(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Request the execution of an operation, and return what will have its result.

        Raises:
            StorageUnavailable: It had no effect.
        """
        result: asyncio.Future[T] = self._loop.create_future()
        if not self._is_open:
            result.set_exception(StorageUnavailable("the database is closed"))
        elif len(self._unfinished) >= MAX_WAITING_OPERATIONS:
            result.set_exception(self.answers.explain(StorageUnavailable(_TOO_MANY_OPERATIONS)))
        else:
            request = _Request(operation, result, self._loop.time(), list_requests())
            self._unfinished.append(request)
            self._queue.put(request)
            if self._timer is None:
                self._set_timer(request.requested_at + OPERATION_TIMEOUT, MAX_EXTENSIONS)
        return result

    async def close(self) -> None:
        """Accept no more operations, and return when the waiting ones are executed."""
        if self._is_open:
            self._is_open = False
            self._queue.put(None)
        await asyncio.wait([self._finished], timeout=OPERATION_TIMEOUT)
        if self._timer is not None:
            self._timer.cancel()

    def execute_batches(self, finish: Callable[[sqlite3.Connection], object]) -> None:
        while batch := self._next_batch():
            # No caller waits for finished requests.
            requests = [request for request in batch if not request.result.done()]
            operations = [request.operation for request in requests]
            BATCHED_REQUESTS.set(partial(_requests_of, requests))
            results = self._execute(operations) if operations else ()
            self._call_in_loop(self._end_batch, len(batch), requests, results)
        with suppress(*SQLITE_ERRORS):
            finish(self._connection)
        with suppress(*SQLITE_ERRORS):
            self._connection.close()
        self._call_in_loop(self._finished.set_result, None)

    def _execute(self, operations: Sequence[Operation[Any]]) -> Sequence[object]:
        try:
            return self._execute_batch(self._connection, operations)
        except Exception as error:  # noqa: BLE001 -- the thread goes on with the next batch
            log_batch_error("transaction", len(operations), error)
            with suppress(*SQLITE_ERRORS):
                self._connection.rollback()
            reason = f"an unexpected error: {type(error).__name__}"
            return [Failed(StorageTimeout(reason)) for _ in operations]

    def _next_batch(self) -> Sequence[_Request[Any]]:
        """Wait for a request, and return it with those that wait as well; none after `close`."""
        batch: list[_Request[Any]] = []
        with suppress(Empty):
            while len(batch) < MAX_BATCH_SIZE:
                request = self._queue.get(block=not batch)
                if request is None:
                    self._queue.put(None)
                    break
                batch.append(request)
        return batch

    def _end_batch(
        self, size: int, requests: Sequence[_Request[Any]], results: Sequence[object]
    ) -> None:
        for _ in range(size):
            self._unfinished.popleft()
        if any(map(_is_answer, results)):
            self.answers.record()
        for request, result in zip(requests, results, strict=True):
            if request.result.done():
                continue
            if isinstance(result, Failed):
                request.result.set_exception(result.error)
            else:
                request.result.set_result(result)

    def _set_timer(self, time: float, extensions: int) -> None:
        self._timer = self._loop.call_at(time, self._time_out_overdue, time, extensions)

    def _time_out_overdue(self, due: float, extensions: int) -> None:
        """Fail what is overdue. One timer serves all requests: most of them need none.

        If the event loop comes late, the thread may be late as well, and gets more time. It is
        overload only if operations wait, and not while one that hangs is alone.
        """
        now = self._loop.time()
        self._timer = None
        if now - due > LATE and extensions and self._unfinished:
            self._set_timer(now + EXTENSION, extensions - 1)
            return
        for request in self._unfinished:
            deadline = request.requested_at + OPERATION_TIMEOUT
            if deadline > now:
                # All others are later.
                self._set_timer(deadline, MAX_EXTENSIONS)
                return
            if not request.result.done():
                failure: PortError = StorageTimeout(
                    f"no response within {OPERATION_TIMEOUT:g} seconds"
                )
                if self._queue.qsize():
                    failure = self.answers.explain(failure)
                request.result.set_exception(failure)

    def _call_in_loop(self, callback: Callable[..., object], *args: object) -> None:
        # If the loop is closed, no caller waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)


def _is_answer(result: object) -> bool:
    error = result.error if isinstance(result, Failed) else None
    return not isinstance(error, StorageUnavailable | StorageTimeout)


def _requests_of(requests: Iterable[_Request[Any]]) -> Iterator[CurrentRequest]:
    return (found for request in requests for found in request.requests)


@asynccontextmanager
async def open_connection_worker(
    name: str,
    connect: Callable[[], sqlite3.Connection],
    execute_batch: ExecuteBatch,
    finish: Callable[[sqlite3.Connection], object] = lambda _: None,
) -> AsyncIterator[ConnectionWorker]:
    """Connect, and execute operations in a thread until the end of the block.

    The thread calls `finish` before it closes the connection.
    """
    connection = await asyncio.to_thread(connect)
    worker = ConnectionWorker(connection, execute_batch)
    execute = partial(worker.execute_batches, finish)
    thread = start_thread(f"sqlite-{name}", execute, is_vital=True)
    try:
        yield worker
    finally:
        await worker.close()
        thread.join(_EXIT_TIMEOUT)


def commit_batch(
    connection: sqlite3.Connection, operations: Sequence[Operation[Any]]
) -> Sequence[object]:
    """Execute operations in one transaction (group commit).

    - An operation that fails has no effect; the others are committed.
    - If an operation ends the transaction of all, as an error of the disk does, the others are
      executed again without it, once: what was rolled back has changed nothing.
    - If the commit fails, no operation has an effect, and each of them is `Failed`.
    """
    return _execute_in_transaction(connection, operations, _execute_in_savepoint, "BEGIN IMMEDIATE")


def read_batch(
    connection: sqlite3.Connection, operations: Sequence[Operation[Any]]
) -> Sequence[object]:
    """Execute operations on one snapshot, which is newer than the last request."""
    return _execute_in_transaction(connection, operations, _execute, "BEGIN")


class _RolledBackError(Exception):
    """An operation ended the transaction of all."""

    def __init__(self, error: SqliteError) -> None:
        super().__init__()
        self.error = error


def _execute_in_transaction(
    connection: sqlite3.Connection,
    operations: Sequence[Operation[Any]],
    execute: Callable[[sqlite3.Connection, Operation[Any]], object],
    begin: str,
    *,
    is_repetition: bool = False,
) -> Sequence[object]:
    results: list[object] = []
    try:
        connection.execute(begin)
        for operation in operations:
            results.append(execute(connection, operation))  # noqa: PERF401 -- some before an error
        connection.execute("COMMIT")
    except _RolledBackError as rolled_back:
        number, cause = len(results), rolled_back.error
        others = [*operations[:number], *operations[number + 1 :]]
        if is_repetition or not others:
            return _fail_all(operations, cause)
    except SQLITE_ERRORS as error:
        # A COMMIT that failed may leave the transaction open, and no other could begin.
        with suppress(*SQLITE_ERRORS):
            connection.rollback()
        return _fail_all(operations, error)
    else:
        return results
    failed = Failed(to_port_error(cause))
    repeated = _execute_in_transaction(connection, others, execute, begin, is_repetition=True)
    return [*repeated[:number], failed, *repeated[number:]]


def _fail_all(operations: Sequence[Operation[Any]], error: SqliteError) -> Sequence[Failed]:
    failures = [Failed(to_port_error(error)) for _ in operations]
    log_batch_error("transaction", len(failures), failures[0].error)
    return failures


def _execute_in_savepoint(connection: sqlite3.Connection, operation: Operation[Any]) -> object:
    if isinstance(operation, Statement):  # SQLite undoes a statement that fails
        return _execute(connection, operation)
    connection.execute("SAVEPOINT operation")
    result = _execute(connection, operation)
    if isinstance(result, Failed):
        connection.execute("ROLLBACK TO operation")
    connection.execute("RELEASE operation")
    return result


def _execute(connection: sqlite3.Connection, operation: Operation[Any]) -> object:
    try:
        return operation(connection)
    except SQLITE_ERRORS as error:
        if not connection.in_transaction:
            # SQLite rolled back the whole transaction, as it may on a full disk.
            raise _RolledBackError(error) from None
        return Failed(to_port_error(error))
    except Exception as error:  # noqa: BLE001 -- it is raised in the caller
        return Failed(error)

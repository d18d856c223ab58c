"""A thread for each connection. Operations that wait are executed together, as one transaction."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

from adapters.sqlite.errors import to_port_error
from application.ports.errors import StorageTimeout, StorageUnavailable

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]
"""Statements that succeed or fail together."""

MAX_WAITING_OPERATIONS: Final = 4096
OPERATION_TIMEOUT: Final = 15.0
"""Seconds. It is longer than any wait for a lock: only a disk that hangs takes so long."""
_EXIT_TIMEOUT: Final = 1.0


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


class ConnectionWorker:
    """Executes operations on one connection, in the order in which they were requested.

    An operation whose caller was cancelled or timed out before its turn is not executed.
    """

    def __init__(self, max_waiting: int, operation_timeout: float) -> None:
        """Make a worker of the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._finished = self._loop.create_future()
        self._requests: SimpleQueue[_Request[Any] | None] = SimpleQueue()
        self._max_waiting = max_waiting
        self._operation_timeout = operation_timeout
        self._is_open = True

    async def run(self, operation: Operation[T]) -> T:
        """Execute an operation and return its result.

        Raises:
            StorageUnavailable: It had no effect.
            StorageTimeout: It is unknown whether it had an effect.
        """
        if not self._is_open:
            raise StorageUnavailable("the database is closed")
        if self._requests.qsize() >= self._max_waiting:
            raise StorageUnavailable("too many operations wait for the database")
        result: asyncio.Future[T] = self._loop.create_future()
        timer = self._loop.call_later(self._operation_timeout, self._time_out, result)
        self._requests.put(_Request(operation, result))
        try:
            return await result
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Accept no more operations, and return when the waiting ones are executed."""
        self._is_open = False
        self._requests.put(None)
        await asyncio.wait([self._finished], timeout=self._operation_timeout)

    def execute_requests(
        self,
        connection: sqlite3.Connection,
        execute_batch: ExecuteBatch,
        finish: Callable[[sqlite3.Connection], object],
    ) -> None:
        """Execute batches until `close`, then close the connection; the body of the thread."""
        batch: list[_Request[Any] | None] = []
        while None not in batch:
            # Only this thread takes from the queue: what was counted is still in it.
            batch = [self._requests.get()]
            batch += [self._requests.get() for _ in range(self._requests.qsize())]
            requests = [request for request in batch if request and not request.result.done()]
            if requests:
                results = execute_batch(connection, [request.operation for request in requests])
                self._call_in_loop(_set_results, requests, results)
        with suppress(sqlite3.Error):
            finish(connection)
        with suppress(sqlite3.Error):
            connection.close()
        self._call_in_loop(self._finished.set_result, None)

    def _time_out(self, result: asyncio.Future[Any]) -> None:
        if not result.done():
            result.set_exception(
                StorageTimeout(f"no response within {self._operation_timeout:g} seconds")
            )

    def _call_in_loop(self, callback: Callable[..., object], *args: object) -> None:
        # If the loop is closed, no caller waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)


@asynccontextmanager
async def open_connection_worker(
    name: str,
    connect: Callable[[], sqlite3.Connection],
    execute_batch: ExecuteBatch,
    max_waiting: int = MAX_WAITING_OPERATIONS,
    operation_timeout: float = OPERATION_TIMEOUT,
    finish: Callable[[sqlite3.Connection], object] = lambda _: None,
) -> AsyncIterator[ConnectionWorker]:
    """Connect, and execute operations in a thread until the end of the block.

    The thread calls `finish` before it closes the connection.
    """
    connection = await asyncio.to_thread(connect)
    worker = ConnectionWorker(max_waiting, operation_timeout)
    # A daemon, so that a disk that hangs cannot keep the process from exiting.
    thread = threading.Thread(
        target=worker.execute_requests,
        args=(connection, execute_batch, finish),
        name=f"sqlite-{name}",
        daemon=True,
    )
    thread.start()
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
    - If the commit fails, no operation has an effect, and each of them is `Failed`.
    """
    return _execute_in_transaction(connection, "BEGIN IMMEDIATE", _execute_in_savepoint, operations)


def read_batch(
    connection: sqlite3.Connection, operations: Sequence[Operation[Any]]
) -> Sequence[object]:
    """Execute operations on one snapshot, which is newer than the last request."""
    return _execute_in_transaction(connection, "BEGIN", _execute, operations)


def _execute_in_transaction(
    connection: sqlite3.Connection,
    begin: str,
    execute: Callable[[sqlite3.Connection, Operation[Any]], object],
    operations: Sequence[Operation[Any]],
) -> Sequence[object]:
    try:
        connection.execute(begin)
        results = [execute(connection, operation) for operation in operations]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        # A COMMIT that failed may leave the transaction open, and no other could begin.
        with suppress(sqlite3.Error):
            connection.rollback()
        return [Failed(to_port_error(error)) for _ in operations]
    return results


def _execute_in_savepoint(connection: sqlite3.Connection, operation: Operation[Any]) -> object:
    connection.execute("SAVEPOINT operation")
    result = _execute(connection, operation)
    if isinstance(result, Failed):
        connection.execute("ROLLBACK TO operation")
    connection.execute("RELEASE operation")
    return result


def _execute(connection: sqlite3.Connection, operation: Operation[Any]) -> object:
    try:
        return operation(connection)
    except sqlite3.Error as error:
        if not connection.in_transaction:
            # SQLite rolled back the whole transaction, as it may on a full disk.
            raise
        return Failed(to_port_error(error))
    except Exception as error:  # noqa: BLE001 -- it is raised in the caller
        return Failed(error)


def _set_results(requests: Sequence[_Request[Any]], results: Sequence[object]) -> None:
    for request, result in zip(requests, results, strict=True):
        if request.result.done():
            continue
        if isinstance(result, Failed):
            request.result.set_exception(result.error)
        else:
            request.result.set_result(result)

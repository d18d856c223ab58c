"""A thread for each connection. Operations that wait are executed together, as one transaction.

Quick operations are executed in the event loop, and only their commit in the thread: for each
statement, thread and event loop would take turns at the interpreter's lock.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

from adapters.sqlite.errors import to_port_error
from application.ports.errors import StorageTimeout, StorageUnavailable
from domain.values import dataclass

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]
"""Statements that succeed or fail together."""

MAX_WAITING_OPERATIONS: Final = 4096
MAX_BATCH_SIZE: Final = 100
"""So many quick operations block the event loop for some milliseconds."""
OPERATION_TIMEOUT: Final = 15.0
"""Seconds. It is longer than any wait for a lock: only a disk that hangs takes so long."""
_EXIT_TIMEOUT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Failed:
    """The result of an operation that had no effect."""

    error: Exception


ExecuteBatch = Callable[[sqlite3.Connection, Sequence[Operation[Any]]], Sequence[object]]
"""Executes operations in order, and returns the result of each or `Failed`."""
BeginBatch = Callable[[sqlite3.Connection, Sequence[Operation[Any]]], Sequence[object] | None]
"""Executes operations and leaves their transaction open; None where it would wait or one fails."""


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    operation: Operation[T]
    result: asyncio.Future[T]
    is_quick: bool
    deadline: float


_Batch = tuple[Sequence[_Request[Any]], Callable[[], Sequence[object]]]
"""Requests, and what returns their results in the thread."""


class ConnectionWorker:
    """Executes operations on one connection, in the order in which they were requested.

    - An operation whose caller was cancelled or timed out before its turn is not executed.
    - The event loop uses the connection only while the thread does not.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        execute_batch: ExecuteBatch,
        begin_batch: BeginBatch | None,
        max_waiting: int,
        operation_timeout: float,
    ) -> None:
        """Make a worker of the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._finished = self._loop.create_future()
        self._connection = connection
        self._execute_batch = execute_batch
        self._begin_batch = begin_batch
        self._waiting: deque[_Request[Any]] = deque()
        self._executing: Sequence[_Request[Any]] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._batches: SimpleQueue[_Batch | None] = SimpleQueue()
        self._is_busy = False
        self._max_waiting = max_waiting
        self._operation_timeout = operation_timeout
        self._is_open = True

    def run(self, operation: Operation[T], *, is_quick: bool = False) -> asyncio.Future[T]:
        """Request the execution of an operation, and return what will have its result.

        Args:
            operation: the statements.
            is_quick: whether they read and write a few rows that an index finds.

        Raises:
            StorageUnavailable: It had no effect.
            StorageTimeout: It is unknown whether it had an effect.
        """
        result: asyncio.Future[T] = self._loop.create_future()
        if not self._is_open:
            result.set_exception(StorageUnavailable("the database is closed"))
            return result
        if len(self._waiting) >= self._max_waiting:
            result.set_exception(StorageUnavailable("too many operations wait for the database"))
            return result
        deadline = self._loop.time() + self._operation_timeout
        self._waiting.append(_Request(operation, result, is_quick, deadline))
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._time_out_overdue)
        if not self._is_busy:
            # Not at once: more operations may arrive in this iteration of the event loop.
            self._is_busy = True
            self._loop.call_soon(self._start_batch)
        return result

    async def close(self) -> None:
        """Accept no more operations, and return when the waiting ones are executed."""
        self._is_open = False
        if not self._is_busy:
            self._batches.put(None)
        await asyncio.wait([self._finished], timeout=self._operation_timeout)
        if self._timer is not None:
            self._timer.cancel()

    def finish_batches(self, finish: Callable[[sqlite3.Connection], object]) -> None:
        """Finish batches until `close`, then close the connection; the body of the thread."""
        while batch := self._batches.get():
            requests, finish_batch = batch
            self._call_in_loop(self._end_batch, requests, finish_batch())
        with suppress(sqlite3.Error):
            finish(self._connection)
        with suppress(sqlite3.Error):
            self._connection.close()
        self._call_in_loop(self._finished.set_result, None)

    def _start_batch(self) -> None:
        """Start the next batch, in the event loop; the thread is idle."""
        requests: list[_Request[Any]] = []
        while self._waiting and len(requests) < MAX_BATCH_SIZE:
            request = self._waiting.popleft()
            if not request.result.done():
                requests.append(request)
        self._executing = requests
        if requests:
            self._batches.put((requests, self._begin(requests)))
        else:
            self._is_busy = False
            if not self._is_open:
                self._batches.put(None)

    def _begin(self, requests: Sequence[_Request[Any]]) -> Callable[[], Sequence[object]]:
        """Return what finishes a batch in the thread."""
        operations = [request.operation for request in requests]
        if self._begin_batch and all(request.is_quick for request in requests):
            results = self._begin_batch(self._connection, operations)
            if results is not None:
                return partial(commit, self._connection, results)
        return partial(self._execute_batch, self._connection, operations)

    def _end_batch(self, requests: Sequence[_Request[Any]], results: Sequence[object]) -> None:
        _set_results(requests, results)
        self._start_batch()

    def _time_out_overdue(self) -> None:
        """Fail what is overdue. One timer serves all requests: most of them need none."""
        now = self._loop.time()
        self._timer = None
        for request in (*self._executing, *self._waiting):
            if request.deadline > now:
                # All others are later.
                self._timer = self._loop.call_at(request.deadline, self._time_out_overdue)
                return
            if not request.result.done():
                request.result.set_exception(
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
    begin_batch: BeginBatch | None = None,
) -> AsyncIterator[ConnectionWorker]:
    """Connect, and execute operations in a thread until the end of the block.

    The thread calls `finish` before it closes the connection. Without `begin_batch` no operation is
    executed in the event loop.
    """
    connection = await asyncio.to_thread(connect)
    worker = ConnectionWorker(
        connection, execute_batch, begin_batch, max_waiting, operation_timeout
    )
    # A daemon, so that a disk that hangs cannot keep the process from exiting.
    thread = threading.Thread(
        target=worker.finish_batches,
        args=(finish,),
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
    return commit(
        connection,
        _execute_in_transaction(connection, operations, _execute_in_savepoint, "BEGIN IMMEDIATE"),
    )


def begin_batch(
    connection: sqlite3.Connection, operations: Sequence[Operation[Any]]
) -> Sequence[object] | None:
    """Execute operations as `commit_batch` does, without the commit.

    None if the transaction cannot begin now, or if an operation fails: nothing has an effect then.
    So none needs a savepoint. The connection must not wait for locks.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        return [operation(connection) for operation in operations]
    except Exception:  # noqa: BLE001 -- `commit_batch` finds it again, and whose it is
        with suppress(sqlite3.Error):
            connection.rollback()
        return None


def commit(connection: sqlite3.Connection, results: Sequence[object]) -> Sequence[object]:
    """Commit the transaction of these results, unless it is over."""
    if not connection.in_transaction:
        return results
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        return _roll_back(connection, error, len(results))
    return results


def read_batch(
    connection: sqlite3.Connection, operations: Sequence[Operation[Any]]
) -> Sequence[object]:
    """Execute operations on one snapshot, which is newer than the last request."""
    return commit(connection, _execute_in_transaction(connection, operations, _execute, "BEGIN"))


def _execute_in_transaction(
    connection: sqlite3.Connection,
    operations: Sequence[Operation[Any]],
    execute: Callable[[sqlite3.Connection, Operation[Any]], object],
    begin: str,
) -> Sequence[object]:
    """Execute operations in a transaction, which stays open unless SQLite rolls it back."""
    try:
        connection.execute(begin)
        return [execute(connection, operation) for operation in operations]
    except sqlite3.Error as error:
        return _roll_back(connection, error, len(operations))


def _roll_back(
    connection: sqlite3.Connection, error: sqlite3.Error, count: int
) -> Sequence[object]:
    # A COMMIT that failed may leave the transaction open, and no other could begin.
    with suppress(sqlite3.Error):
        connection.rollback()
    return [Failed(to_port_error(error)) for _ in range(count)]


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

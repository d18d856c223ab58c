"""A thread that serves one connection: whatever waits is served together."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

from application.ports.errors import StorageUnavailable

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

MOST_WAITING: Final = 4096
PATIENCE: Final = 15.0
"""Seconds until a caller is told no: longer than any wait for a lock, so the disk hangs."""

LAST_WORD: Final = 1.0


@dataclass(frozen=True, slots=True)
class Refused:
    """The outcome of a job that was not done."""

    error: Exception


Serve = Callable[[sqlite3.Connection, Sequence[Job[Any]]], Sequence[object]]
"""Does the jobs in order; gives for each what it returned, or Refused."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    job: Job[T]
    answer: asyncio.Future[T]


class Lane:
    """Jobs for one connection, served in the order in which they came.

    A caller who stops waiting harms nobody: a job not begun by then is not done.
    """

    def __init__(self, most_waiting: int, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._queue: SimpleQueue[_Waiting[Any] | None] = SimpleQueue()
        self._most_waiting = most_waiting
        self._patience = patience
        self._is_open = True

    async def run(self, job: Job[T]) -> T:
        """Have the job done and give what it returns.

        Raises:
            StorageUnavailable: it was not done, or nobody knows after its patience.
        """
        if not self._is_open:
            raise StorageUnavailable("the database is closed")
        if self._queue.qsize() >= self._most_waiting:
            raise StorageUnavailable("too many wait for the database")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Waiting(job, answer))
        try:
            async with asyncio.timeout(self._patience):
                return await answer
        except TimeoutError:
            raise StorageUnavailable(f"no answer within {self._patience:g} seconds") from None

    async def finish(self) -> None:
        """Take no more jobs, and return when those that wait are done."""
        self._is_open = False
        self._queue.put(None)
        await asyncio.wait([self._ended], timeout=self._patience)

    def work(self, connection: sqlite3.Connection, serve: Serve) -> None:
        """Serve until `finish`, then close the connection; the thread's whole life."""
        batch: list[_Waiting[Any] | None] = []
        while None not in batch:
            # Nobody else takes from the queue, so what was counted is there.
            batch = [self._queue.get()]
            batch += [self._queue.get() for _ in range(self._queue.qsize())]
            wanted = [one for one in batch if one and not one.answer.cancelled()]
            if wanted:
                outcomes = serve(connection, [one.job for one in wanted])
                self._call(_tell, wanted, outcomes)
        with suppress(sqlite3.Error):
            connection.close()
        self._call(self._ended.set_result, None)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        # A closed loop has nobody left who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)


@asynccontextmanager
async def open_lane(
    name: str,
    connect: Callable[[], sqlite3.Connection],
    serve: Serve,
    most_waiting: int = MOST_WAITING,
    patience: float = PATIENCE,
) -> AsyncIterator[Lane]:
    """Connect, and serve the connection with a thread of its own until the end of the block."""
    connection = await asyncio.to_thread(connect)
    lane = Lane(most_waiting, patience)
    # A daemon, so that a hung disk cannot keep the process from ending.
    thread = threading.Thread(
        target=lane.work, args=(connection, serve), name=f"sqlite-{name}", daemon=True
    )
    thread.start()
    try:
        yield lane
    finally:
        await lane.finish()
        # Its last word was that it ended: what is left of it takes no time.
        thread.join(LAST_WORD)


def _tell(batch: Sequence[_Waiting[Any]], outcomes: Sequence[object]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(outcome, Refused):
            waiting.answer.set_exception(outcome.error)
        else:
            waiting.answer.set_result(outcome)

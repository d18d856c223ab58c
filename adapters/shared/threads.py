"""Threads that do not end unseen, and calls of a disk that may hang."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Set
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class VitalThread(threading.Thread):
    """A thread without which its process does nothing any more.

    If it ends by an error, `adapters.operations.logging` logs that and ends the process, so that
    another one is started: callers of the thread would wait for ever.
    """


def start_thread(
    name: str, work: Callable[[], object], *, is_vital: bool = False
) -> threading.Thread:
    """Start a thread, which does not keep the process from exiting: a disk may hang in it.

    Its error is logged as `unhandled_exception` with its name, and counted.
    """
    kind = VitalThread if is_vital else threading.Thread
    thread = kind(target=work, name=name, daemon=True)
    thread.start()
    return thread


class DiskThreads:
    """Makes calls that a disk may keep for ever, in threads of their own, with a time limit.

    - While all threads hang, further calls fail at once, and wait in no queue. In the threads of
      `asyncio.to_thread`, some calls that hang would stop all that needs these: looking up the host
      of a provider, for example.
    - A call that hangs does not keep the process from exiting, as one of `asyncio.to_thread` does:
      the threads of executors are joined then.
    """

    def __init__(self, name: str, threads: int, timeout_seconds: float) -> None:
        self._name = name
        self._threads: Final = threads
        self._timeout_seconds = timeout_seconds
        self._free = asyncio.Semaphore(threads)
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        # The threads end when no more calls can be made.
        weakref.finalize(self, self._calls.put, None)
        self._started: list[threading.Thread] = []
        # With the time at which the caller gives up, in seconds of the event loop.
        self._running = dict[Future[Any], float]()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a blocking function, and return its result.

        Raises:
            TimeoutError: There was no result in time. It may be done later if it has begun.
        """
        if len(self._find_hanging()) >= self._threads:
            raise TimeoutError
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        async with asyncio.timeout_at(deadline):
            await self._free.acquire()
            future = self._start(partial(function, *args, **kwargs), deadline)
            return await asyncio.wrap_future(future)

    async def finish(self) -> None:
        """Wait until the calls that have begun have ended, but for no call that hangs.

        No call is made afterwards, and if none hangs, the threads have ended.
        """
        running = map(asyncio.wrap_future, self._running.keys() - self._find_hanging())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_seconds):
                await asyncio.gather(*running, return_exceptions=True)
        self._calls.put(None)
        if not self._running:
            for thread in self._started:
                thread.join(self._timeout_seconds)  # it has nothing to do any more

    def _find_hanging(self) -> Set[Future[Any]]:
        now = asyncio.get_running_loop().time()
        return {future for future, deadline in self._running.items() if deadline <= now}

    def _start(self, function: Callable[[], T], deadline: float) -> Future[T]:
        if len(self._running) == len(self._started):
            try:
                thread = start_thread(self._name, partial(_make_calls, self._calls))
            except RuntimeError:  # the process may have no more threads now
                self._free.release()
                raise
            self._started.append(thread)
        future = Future[T]()
        future.set_running_or_notify_cancel()  # it cannot be cancelled
        self._running[future] = deadline
        loop = asyncio.get_running_loop()
        # With the context, lines that the thread logs name the request.
        context = copy_context()

        def make() -> None:
            try:
                end = partial(future.set_result, context.run(function))
            except BaseException as error:  # noqa: BLE001 -- the caller gets it
                end = partial(future.set_exception, error)
            # First, because the loop may be closed when the caller has its result.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end, future)
            end()

        self._calls.put(make)
        return future

    def _end(self, future: Future[Any]) -> None:
        del self._running[future]
        self._free.release()


def _make_calls(calls: SimpleQueue[Callable[[], object] | None]) -> None:
    while make := calls.get():
        make()
        del make  # it has a reference to the object of which this is a thread
    calls.put(None)  # for the other threads

"""Point reads, and writes, that arrive together go out together (the DataLoader pattern).

The driver's call costs far more than the document. So keys that arrive while a read is under way
are collected and fetched by one call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

from adapters.mongo.batch_sizing import DELAY, MAX_BATCH_SIZE, MAX_DELAYS, BatchSizing
from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection, RawDocument

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
T = TypeVar("T")
Fetch = Callable[[Sequence[K]], Coroutine[Any, Any, Mapping[K, T]]]
"""Returns the values that exist; the keys are distinct."""

MAX_BATCHES: Final = 2
MAX_DELAY: Final = 0.05
"""Seconds for which few keys wait for a batch under way, which may hang."""

_Convert = Callable[[T | None], Any]
_Waiting = dict[K, list[tuple[asyncio.Future[Any], _Convert[T]]]]


class BatchLoader(Generic[K, T]):
    """Loads values by key, in batches. A write is a key that equals no other.

    - Nothing is cached: a value goes to those who wait for it and is forgotten.
    - No value is read before it is requested: a key that arrives while a batch is under way goes
      into a later one, also if that batch has the same key.
    - A second batch begins when as many keys wait as are under way, or after `MAX_DELAY`: of many
      small batches each would cost as much as a large one.
    - With a sizing, its limits hold for all batches. For the first one, fewer keys wait for
      `DELAY`, and `MAX_DELAYS` times as long while a batch of another of its loaders is under way.
    - An error goes to all who wait for that batch, and to no others.
    - A cancelled caller affects no others; a key without waiting callers is not fetched.
    """

    def __init__(
        self,
        fetch: Fetch[K, T],
        max_batch_size: int = MAX_BATCH_SIZE,
        max_batches: int = MAX_BATCHES,
        sizing: BatchSizing | None = None,
    ) -> None:
        """Set the function that fetches a batch, and the limits of batches."""
        self._fetch = fetch
        self._max_batch_size = max_batch_size
        self._max_batches = max_batches
        self._sizing = sizing
        self._waiting: _Waiting[K, T] = {}
        self._batches: set[asyncio.Task[Mapping[K, T]]] = set()
        self._under_way = 0
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._delays = 0

    async def load(self, key: K) -> T | None:
        """Return the value of the key, or None."""
        return await self.request(key)

    async def load_many(self, keys: Collection[K]) -> dict[K, T]:
        """Return the values that exist, by key."""
        distinct = list(dict.fromkeys(keys))
        values = await asyncio.gather(*map(self.request, distinct))
        found = zip(distinct, values, strict=True)
        return {key: value for key, value in found if value is not None}

    async def finish(self) -> None:
        """Return when no batch is under way."""
        while self._batches or self._waiting:
            self._start_batches(is_late=True)
            if self._batches:
                await asyncio.wait(self._batches)

    def request(self, key: K) -> asyncio.Future[T | None]:
        """Return a future of the value; whoever cancels it affects no others."""
        return self.request_as(key, _keep)

    def request_as(self, key: K, convert: Callable[[T | None], R]) -> asyncio.Future[R]:
        """Return a future of what `convert` makes of the value, with errors of its own."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()
        self._waiting.setdefault(key, []).append((result, convert))
        if not self._is_scheduled:
            # Not at once: more keys may arrive in this iteration of the event loop.
            self._is_scheduled = True
            loop.call_soon(self._start_batches)
        return result

    def _start_batches(self, *, is_late: bool = False) -> None:
        self._is_scheduled = False
        sizing = self._sizing
        if sizing is not None:
            now = asyncio.get_running_loop().time()
            sizing.observe(len(self._waiting) + self._under_way, now)
        while self._waiting and len(self._batches) < self._max_batches:
            under_way = self._under_way
            smallest = under_way if sizing is None else sizing.smallest(under_way)
            if len(self._waiting) < smallest and not is_late:
                self._wait(MAX_DELAY if self._batches else DELAY)
                return
            self._start_batch()

    def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= ends_at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(ends_at, self._start_late)

    def _start_late(self) -> None:
        self._timer = None
        self._delays += 1
        sizing = self._sizing
        # The callers of other keys under way come next.
        expects_more = sizing is not None and sizing.under_way and not self._batches
        self._start_batches(is_late=not expects_more or self._delays >= MAX_DELAYS)

    def _start_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._delays = 0
        waiting = self._next_batch()
        if waiting:
            batch = asyncio.create_task(self._fetch(list(waiting)))
            self._batches.add(batch)
            self._under_way += len(waiting)
            if self._sizing is not None:
                self._sizing.under_way += 1
            batch.add_done_callback(partial(self._finish_batch, waiting))

    def _next_batch(self) -> _Waiting[K, T]:
        """Remove the keys that have waited longest; drop those without waiting callers."""
        batch: _Waiting[K, T] = {}
        size = self._max_batch_size
        if self._sizing is not None:
            size = min(size, self._sizing.largest)
        while self._waiting and len(batch) < size:
            key = next(iter(self._waiting))
            results = [waiter for waiter in self._waiting.pop(key) if not waiter[0].done()]
            if results:
                batch[key] = results
        return batch

    def _finish_batch(self, waiting: _Waiting[K, T], batch: asyncio.Task[Mapping[K, T]]) -> None:
        self._batches.discard(batch)
        self._under_way -= len(waiting)
        if self._sizing is not None:
            self._sizing.under_way -= 1
        error = None if batch.cancelled() else batch.exception()
        for key, results in waiting.items():
            for result, convert in results:
                if result.done():
                    continue
                if batch.cancelled():
                    result.cancel()
                elif error is not None:
                    result.set_exception(error)
                else:
                    _set_result(result, convert, batch.result().get(key))
        self._start_batches()


def _keep(value: T) -> T:
    return value


def _set_result(result: asyncio.Future[R], convert: Callable[[T], R], value: T) -> None:
    try:
        result.set_result(convert(value))
    except Exception as error:  # noqa: BLE001 - whoever waits gets it
        result.set_exception(error)


class DocumentLoader:
    """Loads documents of a collection by a field that identifies them, in batches."""

    def __init__(
        self,
        database: Database,
        collection: MotorCollection,
        key: str = "_id",
        projection: Mapping[str, int] | None = None,
        filters: Mapping[str, Any] | None = None,
        sizing: BatchSizing | None = None,
    ) -> None:
        """Set what to load.

        Args:
            database: runs the calls.
            collection: has the documents.
            key: the field that identifies a document.
            projection: the fields to load; all by default.
            filters: further conditions for the documents.
            sizing: how large the batches are.
        """
        self._database = database
        self._collection = database.in_event_loop(collection)
        self._key = key
        self._projection = projection
        self._filters = filters or {}
        self._loader = BatchLoader(self._fetch, sizing=sizing)

    async def load(self, key: str) -> RawDocument | None:
        """Return the document, or None; other callers may get the same object.

        Raises:
            CorruptRecord
            StorageError
        """
        if not is_storable(key):
            return None
        return await self.load_as(key, _keep)

    def load_as(self, key: str, convert: Callable[[RawDocument | None], R]) -> Awaitable[R]:
        """Return what `convert` makes of the document, or of None. It is under way at once.

        The key is one that MongoDB can store.

        Raises:
            CorruptRecord
            StorageError
        """
        return self._database.wait_for(lambda: self._loader.request_as(key, convert))

    async def load_many(self, keys: Collection[str]) -> dict[str, RawDocument]:
        """Return the documents that exist, by key.

        Raises:
            CorruptRecord
            StorageError
        """
        storable = [key for key in keys if is_storable(key)]
        return await self._database.run(lambda: self._loader.load_many(storable))

    async def finish(self) -> None:
        """Return when no read is under way."""
        await self._loader.finish()

    async def _fetch(self, keys: Sequence[str]) -> Mapping[str, RawDocument]:
        documents = await self._database.read_batch(lambda: self._find(keys))
        return {document[self._key]: document for document in documents}

    async def _find(self, keys: Sequence[str]) -> list[RawDocument]:
        # With one more than can be found, the first reply is known to be the last.
        batch_size = len(keys) + 1
        query = {self._key: {"$in": keys}, **self._filters}
        return await self._collection.find(query, self._projection, batch_size=batch_size).to_list()


def is_storable(key: str) -> bool:
    """Whether MongoDB can store the text: an invalid one would fail the whole batch."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True

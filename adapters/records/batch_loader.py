"""Point reads that arrive together go out together (the DataLoader pattern).

A call of the database costs far more than a value. So keys that arrive while batches are under way
are collected and fetched by one call.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Any, Final, Generic, TypeVar

from application.ports.errors import StorageUnavailable
from application.tasks import start_task

T = TypeVar("T")
Fetch = Callable[[Sequence[str]], Coroutine[Any, Any, Mapping[str, T]]]
"""Returns the values that exist; the keys are distinct."""

_OTHER_VALUES: Final = "the database returned other records than those that were requested"
MAX_BATCHES: Final = 2
MAX_BATCH_SIZE: Final = 100

_Waiting = dict[str, list[asyncio.Future[T | None]]]


class BatchLoader(Generic[T]):
    """Loads values by key, in batches.

    - Nothing is cached: a value goes to those who wait for it and is forgotten. A logout acts at
      once, so each change would have to reach the caches of all processes.
    - No value is read before it is requested: a key that arrives while a batch is under way goes
      into a later one, also if that batch has the same key.
    - An error goes to all who wait for that batch, and to no others.
    - A value that nobody has requested is the answer to another question. It is an error, because
      the values that are missing may exist then.
    - A cancelled caller affects no others; a key without waiting callers is not fetched.
    """

    def __init__(self, fetch: Fetch[T], name: str = "load_batch") -> None:
        """Set the function that fetches a batch, and the name of its tasks."""
        self._fetch = fetch
        self._name = name
        self._waiting: _Waiting[T] = {}
        self._batches: set[asyncio.Task[Mapping[str, T]]] = set()
        self._is_scheduled = False

    async def load(self, key: str) -> T | None:
        """Return the value of the key, or None."""
        return await self._request(key) if _is_storable(key) else None

    async def load_many(self, keys: Collection[str]) -> dict[str, T]:
        """Return the values that exist, by key."""
        distinct = list(filter(_is_storable, dict.fromkeys(keys)))
        values = await asyncio.gather(*map(self._request, distinct))
        found = zip(distinct, values, strict=True)
        return {key: value for key, value in found if value is not None}

    async def finish(self) -> None:
        while self._batches:
            await asyncio.wait(self._batches)

    def _request(self, key: str) -> asyncio.Future[T | None]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(result)
        if not self._is_scheduled:
            # Not at once: more keys may arrive in this iteration of the event loop.
            self._is_scheduled = True
            loop.call_soon(self._start_batches)
        return result

    def _start_batches(self) -> None:
        self._is_scheduled = False
        while len(self._batches) < MAX_BATCHES and (waiting := self._next_batch()):
            # It belongs to no request, so that no limit of one affects the others.
            fetching = self._fetch_batch([*waiting])
            batch = start_task(self._name, fetching, context=Context())
            self._batches.add(batch)
            batch.add_done_callback(partial(self._finish_batch, waiting))

    async def _fetch_batch(self, keys: Sequence[str]) -> Mapping[str, T]:
        values = await self._fetch(keys)
        if not values.keys() <= {*keys} or None in values.values():
            raise StorageUnavailable(_OTHER_VALUES)
        return values

    def _next_batch(self) -> _Waiting[T]:
        """Remove the keys that have waited longest; drop those without waiting callers."""
        batch: _Waiting[T] = {}
        while self._waiting and len(batch) < MAX_BATCH_SIZE:
            key = next(iter(self._waiting))
            results = [result for result in self._waiting.pop(key) if not result.done()]
            if results:
                batch[key] = results
        return batch

    def _finish_batch(self, waiting: _Waiting[T], batch: asyncio.Task[Mapping[str, T]]) -> None:
        self._batches.discard(batch)
        error = None if batch.cancelled() else batch.exception()
        for key, results in waiting.items():
            for result in results:
                if result.done():
                    continue
                if batch.cancelled():
                    result.cancel()
                elif error is not None:
                    result.set_exception(error)
                else:
                    result.set_result(batch.result().get(key))
        self._start_batches()


def _is_storable(key: str) -> bool:
    """Whether databases can store the text: an invalid one would fail the whole batch."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True

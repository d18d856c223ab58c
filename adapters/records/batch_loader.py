"""Point reads that arrive together go out together (the DataLoader pattern).

A call of the database costs far more than a value. So keys that arrive while batches are under way
are collected and fetched by one call.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Any, Final, Generic, TypeVar

from adapters.records.batches import (
    MAX_BATCH_SIZE,
    Entry,
    execute_in_parts,
    is_of_database,
)
from adapters.records.record_kind import is_storable
from application.ports.errors import StorageUnavailable
from application.tasks import start_task

T = TypeVar("T")
Fetch = Callable[[Sequence[str]], Coroutine[Any, Any, Mapping[str, T]]]
"""Returns the values that exist; the keys are distinct."""

_OTHER_VALUES: Final = "the database returned other records than those that were requested"
MAX_BATCHES: Final = 2

_Key = Entry[str, T | None]


class BatchLoader(Generic[T]):
    """Loads values by key, in batches.

    - Nothing is cached: a value goes to those who wait for it and is forgotten. A logout acts at
      once, so each change would have to reach the caches of all processes.
    - No value is read before it is requested: a key that arrives while a batch is under way goes
      into a later one, also if that batch has the same key.
    - An error of the database goes to all who wait for that batch, and to no others. With any other
      error, such as a record that cannot be decoded, the batch is fetched in smaller and smaller
      parts, until it is that of one key: reading again harms nobody. Only those who wait for this
      key get it.
    - A value that nobody has requested is the answer to another question. It is an error of all,
      because the values that are missing may exist then.
    - A cancelled caller affects no others; a key without waiting callers is not fetched.
    - A batch belongs to no request, so that no limit of one affects the others. Its lines in the
      log name the requests in it.
    """

    def __init__(self, fetch: Fetch[T], kind: str = "records") -> None:
        """Set the function that fetches a batch, and what it fetches, for the log."""
        self._fetch = fetch
        self._kind = kind
        self._waiting: dict[str, _Key[T]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._is_scheduled = False

    async def load(self, key: str) -> T | None:
        """Return the value of the key, or None."""
        return await self._request(key) if is_storable(key) else None

    async def load_many(self, keys: Collection[str]) -> dict[str, T]:
        """Return the values that exist, by key."""
        distinct = list(filter(is_storable, dict.fromkeys(keys)))
        values = await asyncio.gather(*map(self._request, distinct))
        found = zip(distinct, values, strict=True)
        return {key: value for key, value in found if value is not None}

    async def finish(self) -> None:
        while self._batches:
            await asyncio.wait(self._batches)

    def _request(self, key: str) -> asyncio.Future[T | None]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T | None] = loop.create_future()
        entry = self._waiting.get(key)
        if entry is None:
            entry = self._waiting[key] = Entry(key)
        entry.add_caller(result)
        if not self._is_scheduled:
            # Not at once: more keys may arrive in this iteration of the event loop.
            self._is_scheduled = True
            loop.call_soon(self._start_batches)
        return result

    def _start_batches(self) -> None:
        self._is_scheduled = False
        while len(self._batches) < MAX_BATCHES and (batch := self._next_batch()):
            executing = execute_in_parts(
                batch, self._fetch_part, lambda error: not is_of_database(error), self._kind
            )
            task = start_task(f"load_{self._kind}", executing, context=Context())
            self._batches.add(task)
            task.add_done_callback(partial(self._finish_batch, batch))

    async def _fetch_part(self, entries: Sequence[_Key[T]]) -> None:
        keys = [entry.content for entry in entries]
        values = await self._fetch(keys)
        if not values.keys() <= {*keys} or None in values.values():
            raise StorageUnavailable(_OTHER_VALUES)
        for entry in entries:
            entry.resolve(values.get(entry.content))

    def _next_batch(self) -> Sequence[_Key[T]]:
        """Remove the keys that have waited longest; drop those without waiting callers."""
        batch: list[_Key[T]] = []
        while self._waiting and len(batch) < MAX_BATCH_SIZE:
            entry = self._waiting.pop(next(iter(self._waiting)))
            if entry.is_wanted:
                batch.append(entry)
        return batch

    def _finish_batch(self, batch: Sequence[_Key[T]], task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        error = None if task.cancelled() else task.exception()
        for entry in batch if task.cancelled() or error else ():
            if isinstance(error, Exception):
                entry.fail(error)
            else:
                entry.cancel()
        self._start_batches()

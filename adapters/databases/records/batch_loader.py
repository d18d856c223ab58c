"""Point reads that arrive together go out together (the DataLoader pattern)."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from adapters.databases.records.batches import BatchQueue, Entry, is_of_database
from adapters.databases.records.record_kind import is_storable
from application.ports.errors import CorruptRecord, StorageUnavailable

T = TypeVar("T")
Fetch = Callable[[Sequence[str]], Coroutine[Any, Any, Mapping[str, T]]]
"""Returns the values that exist; the keys are distinct."""

_OTHER_VALUES: Final = "the database returned other records than those that were requested"


class BatchLoader(Generic[T]):
    """Loads values by key, in batches.

    - Nothing is cached: a logout acts at once, in all processes.
    - No value is read before it is requested: a key that arrives while a batch is under way goes
      into a later one, also if that batch has the same key.
    - After an error that is not the database's, such as a record that cannot be decoded, each key
      is fetched again: reading again is harmless. Only the callers of that record get the error,
      with its id.
    - A value that was not requested is the answer to another question. The whole batch fails,
      because the missing values may exist.
    """

    def __init__(self, fetch: Fetch[T], kind: str = "records") -> None:
        self._fetch = fetch
        self._queue = BatchQueue[str, T | None](
            self._fetch_all, kind, lambda error: not is_of_database(error)
        )

    async def load(self, key: str) -> T | None:
        return await self._queue.add(key, key) if is_storable(key) else None

    async def load_many(self, keys: Collection[str]) -> dict[str, T]:
        distinct = list(filter(is_storable, dict.fromkeys(keys)))
        values = await asyncio.gather(*(self._queue.add(key, key) for key in distinct))
        found = zip(distinct, values, strict=True)
        return {key: value for key, value in found if value is not None}

    async def finish(self) -> None:
        await self._queue.finish()

    async def _fetch_all(self, entries: Sequence[Entry[str, T | None]]) -> None:
        keys = [entry.content for entry in entries]
        try:
            values = await self._fetch(keys)
        except CorruptRecord as error:
            if len(keys) > 1:  # each is fetched again
                raise
            raise error.of_record(keys[0]) from None
        if not values.keys() <= {*keys} or None in values.values():
            raise StorageUnavailable(_OTHER_VALUES)
        for entry in entries:
            entry.resolve(values.get(entry.content))

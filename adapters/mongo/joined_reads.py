"""Point reads that arrive together go out together.

What a read costs is the driver's call, hardly the document: so while one is under way, the
keys that come in are collected and fetched by one call.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
Fetch = Callable[[Sequence[str]], Coroutine[Any, Any, Mapping[str, T]]]
"""Gives what there is of the keys asked for, each of which comes once."""

MOST_KEYS: Final = 100
MOST_BATCHES: Final = 2

_Asked = dict[str, list[asyncio.Future[T | None]]]


class JoinedReads(Generic[T]):
    """Reads of one kind, by key.

    - Nothing is kept: what was read goes to those who asked for it and is forgotten.
    - Nothing is given that was read before it was asked for: who comes while a batch is under
      way is served by a later one, also for a key of that batch.
    - An error reaches everybody who waits for that batch, and nobody else.
    - Who stops waiting harms nobody; a key that nobody waits for any more is not fetched.
    """

    def __init__(
        self, fetch: Fetch[T], most_keys: int = MOST_KEYS, most_batches: int = MOST_BATCHES
    ) -> None:
        self._fetch = fetch
        self._most_keys = most_keys
        self._most_batches = most_batches
        self._waiting: _Asked[T] = {}
        self._batches: set[asyncio.Task[Mapping[str, T]]] = set()
        self._will_send = False

    async def one(self, key: str) -> T | None:
        """Give what is there under the key, or None."""
        return await self._asked(key)

    async def some(self, keys: Collection[str]) -> dict[str, T]:
        """Give what there is of these keys."""
        wanted = list(dict.fromkeys(keys))
        found = await asyncio.gather(*map(self._asked, wanted))
        return {key: one for key, one in zip(wanted, found, strict=True) if one is not None}

    async def finish(self) -> None:
        """Return when nothing is under way any more."""
        while self._batches or self._will_send:
            # What was asked for just now is sent when the loop comes round.
            await asyncio.sleep(0)
            if self._batches:
                await asyncio.wait(self._batches)

    def _asked(self, key: str) -> asyncio.Future[T | None]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(answer)
        if not self._will_send:
            # Not at once: others may ask before the loop comes round.
            self._will_send = True
            loop.call_soon(self._send)
        return answer

    def _send(self) -> None:
        self._will_send = False
        while self._waiting and len(self._batches) < self._most_batches:
            asked = self._take()
            if asked:
                batch = asyncio.create_task(self._fetch(list(asked)))
                self._batches.add(batch)
                batch.add_done_callback(partial(self._tell, asked))

    def _take(self) -> _Asked[T]:
        """Take those who have waited longest, and let go of keys that nobody waits for."""
        taken: _Asked[T] = {}
        while self._waiting and len(taken) < self._most_keys:
            key = next(iter(self._waiting))
            waiting = [answer for answer in self._waiting.pop(key) if not answer.done()]
            if waiting:
                taken[key] = waiting
        return taken

    def _tell(self, asked: _Asked[T], batch: asyncio.Task[Mapping[str, T]]) -> None:
        self._batches.discard(batch)
        error = None if batch.cancelled() else batch.exception()
        for key, answers in asked.items():
            for answer in answers:
                if answer.done():
                    continue
                if batch.cancelled():
                    answer.cancel()
                elif error is not None:
                    answer.set_exception(error)
                else:
                    answer.set_result(batch.result().get(key))
        self._send()

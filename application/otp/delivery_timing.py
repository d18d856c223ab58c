"""How handing messages over went lately, so that what is not handed over can look the same."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Final

from application.ports.messenger import DeliveryResult, DeliveryStatus
from application.ports.randomness import Randomness

MOST_KEPT: Final = 32
_SHARE_BYTES: Final = 4


class DeliveryTimingProfile:
    """The results and durations of this process's latest messages.

    A blocked phone must get the answers that any phone gets, in the time that any phone waits for
    them. So what is withheld from it goes as the latest message to its country went: what is
    refused for one country says nothing of another. It takes a time between those that messages
    took that went like that, so that no time comes twice. While the sender hangs it waits as
    messages do. Each process keeps this for itself, and nothing is decided by it: before its
    first message it has no time to go by.
    """

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._latest: dict[str, DeliveryResult] = {}
        self._took = {status: deque[float](maxlen=MOST_KEPT) for status in DeliveryStatus}
        self._under_way: dict[asyncio.Future[DeliveryResult], float] = {}
        self._came_back_at = -math.inf
        self._woke_late = deque[float](maxlen=MOST_KEPT)

    async def noting(self, country: str, sending: Awaitable[DeliveryResult]) -> DeliveryResult:
        """Wait for a message to be handed over, and note how that goes."""
        time = asyncio.get_running_loop().time
        message = asyncio.ensure_future(sending)
        began = self._under_way[message] = time()
        try:
            result = await message
        finally:
            del self._under_way[message]
            self._came_back_at = time()
        # A bad number says something of that phone alone.
        if result.status is not DeliveryStatus.INVALID_NUMBER:
            self._took[result.status].append(self._came_back_at - began)
            self._latest[country] = result
        return result

    async def as_of_late(self, country: str) -> DeliveryResult:
        """Wait as long as for a message to this country, and give how that would have gone."""
        time = asyncio.get_running_loop().time
        began = time()
        latest = self._latest.get(country, DeliveryResult(DeliveryStatus.ACCEPTED))
        took = self._took[latest.status]
        # A sleeper wakes a little late, and what it sleeps by has that in it already.
        seconds = max(0.0, between(took, self._share()) - between(self._woke_late, 0.5))
        await asyncio.sleep(seconds)
        self._woke_late.append(time() - began - seconds)
        for message, left_at in [*self._under_way.items()][:1]:
            # None has come back for longer than any took: the sender hangs, and for this as well.
            if time() - max(left_at, self._came_back_at) > max(took, default=0):
                await asyncio.wait([message])
                await asyncio.sleep(began - left_at)
                return _became(message) or latest
        return latest

    def _share(self) -> float:
        drawn = int.from_bytes(self._randomness.bytes(_SHARE_BYTES), "big")
        return drawn / (256**_SHARE_BYTES - 1)


def between(times: Sequence[float], share: float) -> float:
    """The time that this share of such times stays below; 0 where there are none."""
    if not times:
        return 0.0
    ordered = sorted(times)
    part, below = math.modf(share * (len(ordered) - 1))
    shorter, longer = ordered[int(below)], ordered[min(int(below) + 1, len(ordered) - 1)]
    return shorter + part * (longer - shorter)


def _became(message: asyncio.Future[DeliveryResult]) -> DeliveryResult | None:
    if message.cancelled() or message.exception() is not None:
        return None
    return None if message.result().status is DeliveryStatus.INVALID_NUMBER else message.result()

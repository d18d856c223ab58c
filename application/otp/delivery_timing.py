"""How long deliveries take, to imitate them for a blocked phone."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from statistics import fmean
from typing import Final

from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.system import Randomness

MAX_DURATIONS: Final = 32
_RANDOM_BYTES: Final = 4


class DeliveryTimingProfile:
    """The results and durations of the latest messages of this process, or of its calls.

    A blocked phone must get the responses that any phone gets, after the time that any phone
    waits for them.

    - A suppressed delivery gets the result of the latest message to its country: a rejection for
      one country says nothing about another.
    - It takes a random duration between those of messages with that result. A fixed delay would
      show next to a provider whose times vary.
    - While the provider hangs, it waits as messages do.

    The profile only imitates and decides nothing. It is empty before the first message of a
    process. Calls are rare: until the first of them, a suppressed call takes as long as a message.
    """

    def __init__(
        self,
        randomness: Randomness,
        fallback: Callable[[DeliveryStatus], Sequence[float]] = lambda _: (),
    ) -> None:
        """Start with an empty profile. Until it has durations with a result, it takes others."""
        self._randomness = randomness
        self._fallback = fallback
        self._latest: dict[str, DeliveryResult] = {}
        self._durations = {status: deque[float](maxlen=MAX_DURATIONS) for status in DeliveryStatus}
        self._pending: dict[asyncio.Future[DeliveryResult], float] = {}
        self._last_completed = -math.inf
        self._oversleeping = deque[float](maxlen=MAX_DURATIONS)

    async def record(self, country: str, sending: Awaitable[DeliveryResult]) -> DeliveryResult:
        """Await the result of a message, and record result and duration."""
        loop = asyncio.get_running_loop()
        time = loop.time
        message: asyncio.Future[DeliveryResult] = loop.create_future()
        started = self._pending[message] = time()
        try:
            result = await sending
            # An invalid number says something about that phone only.
            if result.status is not DeliveryStatus.INVALID_NUMBER:
                message.set_result(result)
        finally:
            message.cancel()
            del self._pending[message]
            self._last_completed = time()
        if not message.cancelled():
            self._durations[result.status].append(self._last_completed - started)
            self._latest[country] = result
        return result

    async def imitate(self, country: str) -> DeliveryResult:
        """Wait as long as a message to this country takes, and return its likely result."""
        time = asyncio.get_running_loop().time
        started = time()
        latest = self._latest.get(country, DeliveryResult(DeliveryStatus.ACCEPTED))
        durations = self.durations_of(latest.status)
        # asyncio.sleep() returns a little late, and the measured durations include that. Their
        # mean does: most sleeps end late by less than that, and a few by much more.
        oversleeping = fmean(self._oversleeping) if self._oversleeping else 0.0
        seconds = max(0.0, random_quantile(durations, self._randomness) - oversleeping)
        await asyncio.sleep(seconds)
        self._oversleeping.append(time() - started - seconds)
        for message, message_started in [*self._pending.items()][:1]:
            # No message has completed for longer than any of them took: the provider hangs.
            waited = time() - max(message_started, self._last_completed)
            if waited > max(durations, default=0):
                await asyncio.wait([message])
                await asyncio.sleep(started - message_started)
                return latest if message.cancelled() else message.result()
        return latest

    def durations_of(self, status: DeliveryStatus) -> Sequence[float]:
        """Return how many seconds the latest messages with this result took."""
        return self._durations[status] or self._fallback(status)


def random_quantile(values: Sequence[float], randomness: Randomness) -> float:
    """Return a random value between the lowest and the highest, 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    fraction = int.from_bytes(randomness.bytes(_RANDOM_BYTES), "big") / (256**_RANDOM_BYTES - 1)
    part, index = math.modf(fraction * (len(ordered) - 1))
    lower, upper = ordered[int(index)], ordered[min(int(index) + 1, len(ordered) - 1)]
    return lower + part * (upper - lower)

"""Deliver a code by the messenger, or imitate that for a blocked phone."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

from application.otp.codes import OtpCodes
from application.ports.messenger import DeliveryResult, DeliveryStatus, Messenger
from application.ports.sms_templates import SmsTemplates
from application.ports.system import Randomness
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.templates.preferences import MessagePreferences
from domain.phone import PhoneNumber

MAX_DURATIONS: Final = 32
_RANDOM_BYTES: Final = 4


class DeliveryTimingProfile:
    """The results and durations of the latest messages of this process.

    A blocked phone must get the responses that any phone gets, after the time that any phone
    waits for them.

    - A suppressed delivery gets the result of the latest message to its country: a rejection for
      one country says nothing about another.
    - It takes a random duration between those of messages with that result.
    - While the provider hangs, it waits as messages do.

    The profile only imitates and decides nothing. It is empty before the first message of a
    process.
    """

    def __init__(self, randomness: Randomness) -> None:
        """Start with an empty profile."""
        self._randomness = randomness
        self._latest: dict[str, DeliveryResult] = {}
        self._durations = {status: deque[float](maxlen=MAX_DURATIONS) for status in DeliveryStatus}
        self._pending: dict[asyncio.Future[DeliveryResult], float] = {}
        self._last_completed = -math.inf
        self._oversleeping = deque[float](maxlen=MAX_DURATIONS)

    async def record(self, country: str, sending: Awaitable[DeliveryResult]) -> DeliveryResult:
        """Await the result of a message, and record result and duration."""
        time = asyncio.get_running_loop().time
        message = asyncio.ensure_future(sending)
        started = self._pending[message] = time()
        try:
            result = await message
        finally:
            del self._pending[message]
            self._last_completed = time()
        # An invalid number says something about that phone only.
        if result.status is not DeliveryStatus.INVALID_NUMBER:
            self._durations[result.status].append(self._last_completed - started)
            self._latest[country] = result
        return result

    async def imitate(self, country: str) -> DeliveryResult:
        """Wait as long as a message to this country takes, and return its likely result."""
        time = asyncio.get_running_loop().time
        started = time()
        latest = self._latest.get(country, DeliveryResult(DeliveryStatus.ACCEPTED))
        durations = self._durations[latest.status]
        # asyncio.sleep() returns a little late, and the measured durations include that.
        seconds = max(
            0.0,
            quantile(durations, self._random_fraction()) - quantile(self._oversleeping, 0.5),
        )
        await asyncio.sleep(seconds)
        self._oversleeping.append(time() - started - seconds)
        for message, message_started in [*self._pending.items()][:1]:
            # No message has completed for longer than any of them took: the provider hangs.
            waited = time() - max(message_started, self._last_completed)
            if waited > max(durations, default=0):
                await asyncio.wait([message])
                await asyncio.sleep(started - message_started)
                return _result_of(message) or latest
        return latest

    def _random_fraction(self) -> float:
        number = int.from_bytes(self._randomness.bytes(_RANDOM_BYTES), "big")
        return number / (256**_RANDOM_BYTES - 1)


@dataclass(frozen=True, slots=True)
class DeliverOtp:
    """Send the code of a delivery in the template that fits phone and client.

    Nothing is sent to a blocked phone. Result and duration are imitated instead.
    """

    codes: OtpCodes
    templates: SmsTemplates
    messenger: Messenger
    timing: DeliveryTimingProfile

    async def __call__(
        self, phone: PhoneNumber, preferences: MessagePreferences, decision: DeliveryDecision
    ) -> DeliveryResult:
        """Deliver the code.

        Raises:
            Unavailable: the key of the code is not available anymore.
        """
        code = self.codes.derive(decision.challenge, phone)
        lifetime = decision.challenge.expires_at - decision.delivery.sent_at
        text = self.templates.render(
            code, lifetime=lifetime, country=phone.country, preferences=preferences
        )
        if decision.should_deliver:
            return await self.timing.record(phone.country, self.messenger.send(phone, text))
        return await self.timing.imitate(phone.country)


def quantile(values: Sequence[float], fraction: float) -> float:
    """Return the value that this fraction of the values stays below, 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    part, index = math.modf(fraction * (len(ordered) - 1))
    lower, upper = ordered[int(index)], ordered[min(int(index) + 1, len(ordered) - 1)]
    return lower + part * (upper - lower)


def _result_of(message: asyncio.Future[DeliveryResult]) -> DeliveryResult | None:
    if message.cancelled() or message.exception() is not None:
        return None
    if message.result().status is DeliveryStatus.INVALID_NUMBER:
        return None
    return message.result()

"""Failover between messengers, and their common health check."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.ports.errors import MessengerUnavailable, PortError
from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger
from application.ports.system import HealthCheck, SecurityEvents, SecurityEventType
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber

SEND_TIMEOUT: Final = 10.0
"""Seconds that a provider has for a message."""
UNKNOWN_TTL: Final = 600.0
"""Seconds for which a delivery with an unknown result fails the health check."""
MAX_UNKNOWN_IN_A_ROW: Final = 3
"""After so many unknown results a provider is tried last."""
RETRIAL_INTERVAL: Final = 60.0
"""Seconds after which one message tries such a provider in its place."""
_NO_MESSENGER: Final = DeliveryResult(
    DeliveryStatus.NOT_CONNECTED, "No message provider is configured."
)
_NO_RESPONSE: Final = "The message service does not respond."
_UNKNOWN: Final = "A recent message may be lost: {reason}"
_NEXT_IS_TRIED: Final = (DeliveryStatus.NOT_CONNECTED, DeliveryStatus.REJECTED)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Provider:
    """A messenger, its name in the settings, and its latest unknown results in this process."""

    name: str
    messenger: Messenger
    unknown_in_a_row: int = 0
    unknown_reason: str = ""
    unknown_until: float = -math.inf
    next_trial_at: float = -math.inf

    def is_tried_last(self, now: float) -> bool:
        """Return whether its latest results were unknown, and no message is due to try it."""
        return self.unknown_in_a_row >= MAX_UNKNOWN_IN_A_ROW and now < self.next_trial_at

    def record(self, result: DeliveryResult, now: float) -> None:
        """Count an unknown result. Any other ends the row, and an accepted message the failure."""
        if result.status is DeliveryStatus.UNKNOWN:
            self.unknown_in_a_row += 1
            self.unknown_reason, self.unknown_until = result.reason, now + UNKNOWN_TTL
            self.next_trial_at = now + RETRIAL_INTERVAL
            return
        self.unknown_in_a_row = 0
        if result.status is DeliveryStatus.ACCEPTED:
            self.unknown_until = -math.inf


class FailoverMessenger:
    """Try one messenger after the other until one does not reject the message.

    - After `UNKNOWN` the message may have been sent, so no other messenger is tried: one call
      never leads to two accepted messages.
    - After `INVALID_NUMBER` no other messenger is tried: no provider can reach the number.
    - If one rejects the message and the next is tried, operators get a warning.
    - If no messenger accepts the message, the result is a rejection by a provider, if there is one.
    - A messenger that raises an exception, is not asynchronous, returns something else than a
      result, or takes longer than `SEND_TIMEOUT` has an unknown result.
    - A provider whose latest results were unknown is tried last. After a minute one message tries
      it in its place, and then another minute begins unless it responds.
    - The client of a message with an unknown result is told that it was sent. The operator gets a
      warning, and the health check fails until that messenger accepts a message, at most for
      `UNKNOWN_TTL`.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        events: SecurityEvents,
        health_checks: Sequence[HealthCheck] = (),
        now: Callable[[], float] = time.monotonic,
        send_timeout: float = SEND_TIMEOUT,
    ) -> None:
        """Take the providers in their order, and `now` as a monotonic clock in seconds."""
        self._providers = providers
        self._events = events
        self._health_checks = health_checks
        self._now = now
        self._send_timeout = send_timeout

    async def send(
        self, phone: PhoneNumber, text: str, status_url: str = "", locale: str | None = None
    ) -> DeliveryResult:
        """Send the message with the first messenger that does not reject it."""
        results, remaining = [_NO_MESSENGER], list(self._providers)
        while remaining:
            now = self._now()
            provider = min(remaining, key=lambda provider: provider.is_tried_last(now))
            remaining.remove(provider)
            # Until the result is known, other messages try it last.
            provider.next_trial_at = now + RETRIAL_INTERVAL
            sent = await self._send(provider.messenger, phone, text, status_url, locale)
            provider.record(sent, self._now())
            if sent.status is DeliveryStatus.UNKNOWN:
                _log.warning(
                    {"event": "delivery_unknown", "provider": provider.name, "reason": sent.reason}
                )
            sent = replace(sent, provider=provider.name)
            if sent.status not in _NEXT_IS_TRIED:
                return sent
            results.append(sent)
            if remaining:
                self._report_rejection(phone, sent)
        rejected = [result for result in results if result.status is DeliveryStatus.REJECTED]
        return [*results, *rejected][-1]

    def _report_rejection(self, phone: PhoneNumber, rejected: DeliveryResult) -> None:
        self._events.emit(
            SecurityEventType.DELIVERY_REJECTED,
            phone=phone,
            reason=rejected.reason,
            provider=rejected.provider,
            channel=Channel.SMS,
            error_code=rejected.error_code,
            result=rejected.status.value,
        )

    async def _send(
        self,
        messenger: Messenger,
        phone: PhoneNumber,
        text: str,
        status_url: str,
        locale: str | None,
    ) -> DeliveryResult:
        async def send() -> object:
            try:
                return await messenger.send(phone, text, status_url, locale)
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - SystemExit would end the service
                # Its text may have the number or the code.
                reason = f"It failed with {type(error).__name__}."
                return DeliveryResult(DeliveryStatus.UNKNOWN, reason)

        sending = asyncio.create_task(send())
        try:
            # Unlike asyncio.timeout, this does not wait for a messenger that ignores cancellation.
            await asyncio.wait([sending], timeout=self._send_timeout)
        finally:
            sending.cancel()
        if not sending.done() or sending.cancelled():
            return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)
        result = sending.result()
        if not isinstance(result, DeliveryResult):
            reason = f"It returned {type(result).__name__} instead of a result."
            return DeliveryResult(DeliveryStatus.UNKNOWN, reason)
        return result

    async def check(self) -> None:
        """Return when the first health check succeeds, if no recent message may be lost.

        Raises:
            MessengerUnavailable: all health checks failed, or a recent result is unknown; the
                message lists the reasons.
        """
        now = self._now()
        unknown = [
            provider.unknown_reason for provider in self._providers if now < provider.unknown_until
        ]
        if unknown:
            raise MessengerUnavailable("; ".join(_UNKNOWN.format(reason=it) for it in unknown))
        await _check_any(self._health_checks)


async def _check_any(health_checks: Sequence[HealthCheck]) -> None:
    tasks = [asyncio.create_task(_reason(check)) for check in health_checks]
    reasons = []
    try:
        for task in asyncio.as_completed(tasks):
            reason = await task
            if reason is None:
                return
            reasons.append(reason)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    raise MessengerUnavailable("; ".join(reasons))


async def _reason(health_check: HealthCheck) -> str | None:
    try:
        await health_check.check()
    except PortError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 -- an operator's adapter may raise anything
        return f"failed with {type(error).__name__}"
    return None

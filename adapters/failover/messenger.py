"""Failover between messengers, and their common health check."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from application.ports.errors import MessengerUnavailable, PortError
from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger
from application.ports.system import HealthCheck
from domain.phone import PhoneNumber

UNKNOWN_TTL: Final = 600.0
"""Seconds for which a delivery with an unknown result fails the health check."""
_NO_MESSENGER: Final = DeliveryResult(DeliveryStatus.REJECTED, "No message provider is configured.")
_UNKNOWN: Final = "A recent message may be lost: {reason}"

_log = logging.getLogger(__name__)


class FailoverMessenger:
    """Try one messenger after the other until one does not reject the message.

    - After `UNKNOWN` the message may have been sent, so no other messenger is tried: one call
      never leads to two accepted messages.
    - After `INVALID_NUMBER` no other messenger is tried: no provider can reach the number.
    - If all messengers reject the message, the last result is returned.
    - The client of a message with an unknown result is told that it was sent. The operator gets a
      warning, and the health check fails until that messenger accepts a message, at most for
      `UNKNOWN_TTL`.
    """

    def __init__(
        self,
        messengers: Sequence[Messenger],
        health_checks: Sequence[HealthCheck] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the messengers in their order, and `now` as a monotonic clock in seconds."""
        self._messengers = messengers
        self._health_checks = health_checks
        self._now = now
        self._unknown: dict[int, tuple[str, float]] = {}

    async def send(self, phone: PhoneNumber, text: str, status_url: str = "") -> DeliveryResult:
        """Send the message with the first messenger that does not reject it."""
        result = _NO_MESSENGER
        for position, messenger in enumerate(self._messengers):
            result = await messenger.send(phone, text, status_url)
            self._record(position, result)
            if result.status is not DeliveryStatus.REJECTED:
                break
        return result

    async def check(self) -> None:
        """Return when the first health check succeeds, if no recent message may be lost.

        Raises:
            MessengerUnavailable: all health checks failed, or a recent result is unknown; the
                message lists the reasons.
        """
        # No other messenger is tried after an unknown result, so one is enough.
        unknown = [reason for reason, until in self._unknown.values() if self._now() < until]
        if unknown:
            raise MessengerUnavailable("; ".join(_UNKNOWN.format(reason=it) for it in unknown))
        await _check_any(self._health_checks)

    def _record(self, position: int, result: DeliveryResult) -> None:
        if result.status is DeliveryStatus.ACCEPTED:
            self._unknown.pop(position, None)
        elif result.status is DeliveryStatus.UNKNOWN:
            self._unknown[position] = (result.reason, self._now() + UNKNOWN_TTL)
            provider = type(self._messengers[position]).__name__
            _log.warning(
                {"event": "delivery_unknown", "provider": provider, "reason": result.reason}
            )


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
    return None

"""Failover between messengers, and their common health check."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.ports.errors import MessengerUnavailable, PortError
from application.ports.messenger import DeliveryResult, DeliveryStatus, Messenger
from application.ports.system import HealthCheck
from domain.phone import PhoneNumber

_NO_MESSENGER: Final = DeliveryResult(DeliveryStatus.REJECTED, "No message provider is configured.")


@dataclass(frozen=True, slots=True)
class FailoverMessenger:
    """Try one messenger after the other until one does not reject the message.

    - After `UNKNOWN` the message may have been sent, so no other messenger is tried: one call
      never leads to two accepted messages.
    - After `INVALID_NUMBER` no other messenger is tried: no provider can reach the number.
    - If all messengers reject the message, the last result is returned.
    """

    messengers: Sequence[Messenger]

    async def send(self, phone: PhoneNumber, text: str, status_url: str = "") -> DeliveryResult:
        """Send the message with the first messenger that does not reject it."""
        result = _NO_MESSENGER
        for messenger in self.messengers:
            result = await messenger.send(phone, text, status_url)
            if result.status is not DeliveryStatus.REJECTED:
                break
        return result


@dataclass(frozen=True, slots=True)
class FailoverHealthCheck:
    """Report a group as available as long as one of its members is."""

    health_checks: Sequence[HealthCheck]

    async def check(self) -> None:
        """Return when the first health check succeeds.

        Raises:
            MessengerUnavailable: all health checks failed; the message lists their reasons.
        """
        tasks = [asyncio.create_task(_reason(check)) for check in self.health_checks]
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

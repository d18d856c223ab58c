"""Several senders as one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.errors import MessengerUnavailable, PortError
from application.ports.health_check import HealthCheck
from application.ports.messenger import Handover, Messenger, Outcome
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class Senders:
    """Tries one sender after the other until the message is out, or may be.

    Only after a refusal is the next one tried. After an unknown outcome the message may have gone
    out, and a number that is bad for one carrier is bad for all: so no call ever leads to more
    than one accepted message.
    """

    messengers: Sequence[Messenger]

    async def send(self, phone: PhoneNumber, text: str) -> Handover:
        """Hand the text over; the last refusal is given when all refuse."""
        handover = Handover(Outcome.REFUSED, "There is no sender.")
        for messenger in self.messengers:
            handover = await messenger.send(phone, text)
            if handover.outcome is not Outcome.REFUSED:
                break
        return handover


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Ready as long as one of them is."""

    probes: Sequence[HealthCheck]

    async def check(self) -> None:
        """Return when one of them would do its work now.

        Raises:
            MessengerUnavailable: none would; with the reasons of all.
        """
        checks = [asyncio.ensure_future(probe.check()) for probe in self.probes]
        reasons = []
        try:
            for check in asyncio.as_completed(checks):
                try:
                    return await check
                except PortError as error:
                    reasons.append(str(error))
        finally:
            for one in checks:
                one.cancel()
            await asyncio.gather(*checks, return_exceptions=True)
        raise MessengerUnavailable("; ".join(reasons))

import asyncio
import re
from typing import NamedTuple

from application.ports.errors import MessengerUnavailable
from application.ports.messenger import Handover, Outcome
from domain.phone import PhoneNumber

ACCEPTED = Handover(Outcome.ACCEPTED)
REFUSED = Handover(Outcome.REFUSED, "no sender is awake")
BAD_NUMBER = Handover(Outcome.BAD_NUMBER, "nobody has this number")
UNKNOWN = Handover(Outcome.UNKNOWN, "the answer did not come")


class Message(NamedTuple):
    """What was handed over."""

    phone: PhoneNumber
    text: str

    @property
    def code(self) -> str:
        """The code, found as a phone finds it: the first run of four to six digits."""
        found = re.search(r"\d{4,6}", self.text)
        assert found is not None
        return found[0]


class FakeMessenger:
    """Keeps every message that it was given, and answers `handover`, whatever that is.

    `gate`, where there is one, is waited for before the answer: set it to let go. `arrived` is
    set with each message.
    """

    def __init__(self, handover: Handover = ACCEPTED) -> None:
        self.handover = handover
        self.messages: list[Message] = []
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Event()

    async def send(self, phone: PhoneNumber, text: str) -> Handover:
        self.messages.append(Message(phone, text))
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        return self.handover

    async def check(self) -> None:
        if self.handover.outcome is Outcome.REFUSED:
            raise MessengerUnavailable(self.handover.reason)

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.phone import PhoneNumber


class Outcome(StrEnum):
    """What became of a message when it was handed to a sender.

    Only after `REFUSED` may another sender be tried: after `UNKNOWN` it may have gone out.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BAD_NUMBER = "bad_number"


@dataclass(frozen=True, slots=True)
class Handover:
    """The outcome and, unless accepted, a reason that may be shown: no number, no secret.

    Of a bad number whoever asked for the code reads it: it says what to do.
    """

    outcome: Outcome
    reason: str = ""


class Messenger(Protocol):
    """Sends short texts to phones."""

    async def send(self, phone: PhoneNumber, text: str) -> Handover:
        """Hand the text over, in bounded time; what the sender does never raises."""
        ...

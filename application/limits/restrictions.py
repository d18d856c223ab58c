"""What keeps a client, or a number, from getting a code for a time, whatever the limits say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.otp.permits import Recognition
from domain.otp.rate_limits import Restriction
from domain.phone import PhoneNumber

FindRestriction = Callable[[str, Recognition, datetime], Restriction | None]
"""Returns what keeps a client out now, at once and from memory; None if nothing does.

It gets the IP (an IPv4 address, or the /64 of an IPv6 address; empty where none is known), and how
the client is recognized.
"""


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """What blocks a number.

    Attributes:
        name: Its name, in the place of a limit's name.
        explanation: For operators: what blocks it until when.
    """

    name: str
    explanation: str


FindNumberBlock = Callable[[PhoneNumber, datetime], NumberBlock | None]
"""Returns what blocks a number now; None if nothing does."""

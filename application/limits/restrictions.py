"""What keeps a client, or a number, from getting a code for a time, whatever the limits say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.otp.permits import Recognition
from domain.otp.rate_limits import Restriction
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class RestrictedClient:
    """A client that asks for a code, and may be kept out.

    Attributes:
        phone: Where the code goes.
        client_ip: An IPv4 address, or the /64 of an IPv6 address; empty if there is none.
        recognition: How the client is recognized.
        now: The current time.
    """

    phone: PhoneNumber
    client_ip: str
    recognition: Recognition
    now: datetime


FindRestriction = Callable[[RestrictedClient], Restriction | None]
"""Returns what keeps a client out, at once and from memory; None if nothing does."""


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


def join_restrictions(restrictions: Iterable[Restriction]) -> Restriction | None:
    """Return the one of several restrictions that holds, until the end of the last one.

    One that no proof ends comes first, then the one that ends last.
    """
    found = [*restrictions]
    if not found:
        return None
    holding = max(found, key=lambda each: (not each.ends_with_proof, each.until))
    until = max(restriction.until for restriction in found)
    return Restriction(holding.name, until, holding.ends_with_proof)

"""What operators block for a time, whatever the limits say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """What blocks a number.

    `explanation` is for operators: what blocks it until when.
    """

    name: str
    explanation: str


FindNumberBlock = Callable[[PhoneNumber, datetime], NumberBlock | None]
"""Returns what blocks a number now; None if nothing does."""
FindNetworkBlock = Callable[[str, datetime], datetime | None]
"""Returns when the block of a client's network ends; None if none is active.

It gets an IPv4 address, or the /64 of an IPv6 address.
"""

"""What features add to limits: what operators block for a time, whatever the limits say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.otp.rate_limits import RateLimit
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


def find_no_number_block(_phone: PhoneNumber, _now: datetime) -> NumberBlock | None:
    """Find none."""


def find_no_network_block(_client_ip: str, _now: datetime) -> datetime | None:
    """Find none."""


@dataclass(frozen=True, kw_only=True)
class LimitAdditions:
    """What features add to limits.

    Attributes:
        asks_strangers: Whether strangers get permits for a proof only.
        shared_limits: Limits that many phones share, whose use is measured.
    """

    find_number_block: FindNumberBlock = find_no_number_block
    find_network_block: FindNetworkBlock = find_no_network_block
    asks_strangers: bool = False
    shared_limits: Sequence[RateLimit] = ()

"""Budgets that many phones share: an address's, a country's, and that of all together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Network, ip_network
from typing import Final

from domain.sign_in.window import Window

SITE_PREFIX: Final = 48
"""What one customer may be given of IPv6 (RFC 6177), with 65,536 networks of /64 in it."""
SITE_FACTOR: Final = 10


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `window.limit` slots in any stretch of `window.length`, under one name."""

    name: str
    window: Window


@dataclass(frozen=True, slots=True)
class Draw:
    """One slot of each of these budgets, all of them or none; `id` names it for giving back."""

    id: str
    at: datetime
    budgets: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """How many messages and checks are allowed beyond what one phone's own record counts.

    OWASP ASVS 5.0 6.6.3 asks for limits on both. `address` counts a whole /64 of IPv6 as one,
    and ten times as much for a /48. `country` and `everybody` bound what a flood of messages
    can cost.
    """

    address: Window = Window(60, timedelta(hours=1))
    country: Window = Window(1_000, timedelta(hours=1))
    everybody: Window = Window(5_000, timedelta(hours=1))
    checks: Window = Window(600, timedelta(hours=1))

    def of_send(self, address: str, country: str) -> tuple[Budget, ...]:
        """What a message to that country draws on, asked for from there."""
        return (
            *_of_address("sends", address, self.address),
            Budget(f"sends to {country}", self.country),
            Budget("sends", self.everybody),
        )

    def of_asker(self, address: str) -> tuple[Budget, ...]:
        """What of that is the address's own."""
        return _of_address("sends", address, self.address)

    def of_check(self, address: str) -> tuple[Budget, ...]:
        """What an answer draws on that was given from there."""
        return _of_address("checks", address, self.checks)


def _of_address(what: str, address: str, window: Window) -> tuple[Budget, ...]:
    own = Budget(f"{what} from {address}", window)
    try:
        network = ip_network(address)
    except ValueError:
        return (own,)
    if not isinstance(network, IPv6Network):
        return (own,)
    site = network.supernet(new_prefix=SITE_PREFIX)
    wider = Window(window.limit * SITE_FACTOR, window.length)
    return (own, Budget(f"{what} from {site}", wider))

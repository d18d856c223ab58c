"""Budgets that many phones share: an address's, a country's, and that of all together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Network, ip_network
from typing import Final

from domain.otp.sliding_window import SlidingWindow

IPV6_SITE_PREFIX_LENGTH: Final = 48
"""What one customer may be given of IPv6 (RFC 6177), with 65,536 networks of /64 in it."""
IPV6_SITE_FACTOR: Final = 10


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `window.limit` slots in any stretch of `window.length`, under one name."""

    name: str
    window: SlidingWindow


@dataclass(frozen=True, slots=True)
class Reservation:
    """One slot of each of these budgets, all of them or none; `id` names it for giving back."""

    id: str
    acquired_at: datetime
    limits: tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many messages and checks are allowed beyond what one phone's own record counts.

    OWASP ASVS 5.0 6.6.3 asks for limits on both. `address` counts a whole /64 of IPv6 as one,
    and ten times as much for a /48. `country` and `everybody` bound what a flood of messages
    can cost.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    verifications_per_ip: SlidingWindow = SlidingWindow(600, timedelta(hours=1))

    def for_delivery(self, client_ip: str, country: str) -> tuple[RateLimit, ...]:
        """What a message to that country draws on, asked for from there."""
        return (
            *_limits_by_ip("sends", client_ip, self.per_ip),
            RateLimit(f"sends to {country}", self.per_country),
            RateLimit("sends", self.total),
        )

    def for_ip(self, client_ip: str) -> tuple[RateLimit, ...]:
        """What of that is the address's own."""
        return _limits_by_ip("sends", client_ip, self.per_ip)

    def for_verification(self, client_ip: str) -> tuple[RateLimit, ...]:
        """What an answer draws on that was given from there."""
        return _limits_by_ip("checks", client_ip, self.verifications_per_ip)


def _limits_by_ip(what: str, client_ip: str, window: SlidingWindow) -> tuple[RateLimit, ...]:
    own = RateLimit(f"{what} from {client_ip}", window)
    try:
        network = ip_network(client_ip)
    except ValueError:
        return (own,)
    if not isinstance(network, IPv6Network):
        return (own,)
    site = network.supernet(new_prefix=IPV6_SITE_PREFIX_LENGTH)
    wider = SlidingWindow(window.limit * IPV6_SITE_FACTOR, window.period)
    return (own, RateLimit(f"{what} from {site}", wider))

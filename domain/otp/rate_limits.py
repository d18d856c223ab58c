"""Rate limits that many phones share: per IP, per country and in total."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.sliding_window import SlidingWindow

IPV6_SITE_FACTOR: Final = 10
"""How many times as much the /48 of an IPv6 client may do as its /64."""
_DELIVERIES: Final = "deliveries"
_VERIFICATIONS: Final = "verifications"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sliding window with a name. Everything with the same name is counted together."""

    name: str
    window: SlidingWindow


@dataclass(frozen=True, slots=True)
class Reservation:
    """One permit of each of these limits, all or none. `id` identifies them for the release."""

    id: str
    acquired_at: datetime
    limits: tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of an operator for deliveries and verifications (OWASP ASVS 5.0 6.6.3).

    - `per_ip` and `verifications_per_ip` count an IPv6 network of /64 as one IP, and allow ten
      times as much for its /48.
    - `per_country` and `total` limit the cost of a flood of messages.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    verifications_per_ip: SlidingWindow = SlidingWindow(600, timedelta(hours=1))

    def for_delivery(self, client_ip: HashedClientIp, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a delivery to the country that this IP requested."""
        return (
            *self.for_ip(client_ip),
            RateLimit(f"{_DELIVERIES}:country:{country}", self.per_country),
            RateLimit(f"{_DELIVERIES}:total", self.total),
        )

    def for_ip(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return those limits of a delivery that belong to the IP."""
        return _limits_by_ip(_DELIVERIES, client_ip, self.per_ip)

    def for_verification(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return the limits of an attempt from this IP."""
        return _limits_by_ip(_VERIFICATIONS, client_ip, self.verifications_per_ip)


def _limits_by_ip(
    action: str, client_ip: HashedClientIp, window: SlidingWindow
) -> tuple[RateLimit, ...]:
    limit = RateLimit(f"{action}:ip:{client_ip.ip}", window)
    if not client_ip.is_ipv6:
        return (limit,)
    site_window = SlidingWindow(window.limit * IPV6_SITE_FACTOR, window.period)
    return (limit, RateLimit(f"{action}:network:{client_ip.network}", site_window))

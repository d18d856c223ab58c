"""Rate limits that many phones share: per IP, per country and in total."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.attempts import UNCHALLENGED_ATTEMPTS
from domain.otp.client_ip import HashedClientIp
from domain.otp.sliding_window import SlidingWindow

IPV6_SITE_FACTOR: Final = 10
"""How many times as much the /48 of an IPv6 client may do as its /64."""
NETWORK_SHARE: Final = 20
"""One network uses up at most a twentieth of a limit of failed attempts, 5 %."""
_DELIVERIES: Final = "deliveries"
_VERIFICATIONS: Final = "verifications"
_FAILED_ATTEMPTS: Final = "failed_attempts"
_UNCHALLENGED_ATTEMPTS: Final = "unchallenged_attempts"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sliding window with a name. Everything with the same name is counted together."""

    name: str
    window: SlidingWindow


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit of a limit, and the id of the reservation that it belongs to."""

    reservation_id: str
    acquired_at: datetime


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
    - `failed_attempts_per_country` and `failed_attempts_total` limit how many codes strangers
      can try over all phones. They reject nothing themselves: while one of them is used up,
      fewer attempts are looked at.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    verifications_per_ip: SlidingWindow = SlidingWindow(600, timedelta(hours=1))
    failed_attempts_per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    failed_attempts_total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))

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

    def for_failed_attempt(self, client_ip: HashedClientIp, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a failed attempt at a phone of the country from this IP."""
        by_scope = (
            (f"{_FAILED_ATTEMPTS}:country:{country}", self.failed_attempts_per_country),
            (f"{_FAILED_ATTEMPTS}:total", self.failed_attempts_total),
        )
        return tuple(
            limit
            for name, window in by_scope
            for limit in (
                # The network's share is the first: when it is used up, nothing else is reserved.
                RateLimit(
                    f"{name}:network:{client_ip.network}",
                    SlidingWindow(max(1, window.limit // NETWORK_SHARE), window.period),
                ),
                RateLimit(name, window),
            )
        )

    def for_unchallenged_attempt(self, client_ip: HashedClientIp, phone_key: str) -> RateLimit:
        """Return the limit of attempts from this IP at a phone without an active challenge.

        Args:
            client_ip: the client.
            phone_key: identifies the phone and does not reveal it.
        """
        name = f"{_UNCHALLENGED_ATTEMPTS}:phone:{phone_key}:ip:{client_ip.ip}"
        return RateLimit(name, UNCHALLENGED_ATTEMPTS)


def _limits_by_ip(
    action: str, client_ip: HashedClientIp, window: SlidingWindow
) -> tuple[RateLimit, ...]:
    limit = RateLimit(f"{action}:ip:{client_ip.ip}", window)
    if not client_ip.is_ipv6:
        return (limit,)
    site_window = SlidingWindow(window.limit * IPV6_SITE_FACTOR, window.period)
    return (limit, RateLimit(f"{action}:network:{client_ip.network}", site_window))

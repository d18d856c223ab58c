"""How often a code may be tried for one phone by somebody who names no request."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow

ATTEMPTS_PER_IP: Final = SlidingWindow(5, timedelta(hours=1))
SHARED_ATTEMPTS: Final = (
    SlidingWindow(15, timedelta(hours=1)),
    SlidingWindow(30, timedelta(days=1)),
)
_MAX_PERIOD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class IpAttempt:
    """One try that an address made without naming a request."""

    client_ip: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class UnboundAttempts:
    """The tries that named no request: of each address, and of the pool that strangers share.

    NIST SP 800-63B-4 allows 100 failures in a row; the pool and the sends of a day stay below
    that together, for whoever is at no address that the phone has signed in from. The pool
    refuses strangers only, so emptying it locks nobody's app out.
    """

    by_ip: tuple[IpAttempt, ...] = ()
    shared: tuple[datetime, ...] = ()

    def remaining_for(self, client_ip: str, now: datetime) -> int:
        """How many tries the address has left of its own."""
        return ATTEMPTS_PER_IP.remaining(self._attempt_times(client_ip), now)

    def remaining_shared(self, now: datetime) -> int:
        """How many tries strangers have left together."""
        return min(window.remaining(self.shared, now) for window in SHARED_ATTEMPTS)

    def next_available_for(self, client_ip: str, now: datetime) -> datetime:
        """When the address has a try of its own again."""
        return ATTEMPTS_PER_IP.next_available(self._attempt_times(client_ip), now)

    def next_available_shared(self, now: datetime) -> datetime:
        """When strangers have a try again."""
        return max(window.next_available(self.shared, now) for window in SHARED_ATTEMPTS)

    def count(self, client_ip: str, now: datetime, *, is_shared: bool) -> "UnboundAttempts":
        """The same with one try more of this address, and of the pool if it drew on that."""
        return UnboundAttempts(
            (*self.by_ip, IpAttempt(client_ip, now)),
            (*self.shared, now) if is_shared else self.shared,
        )

    def reset(self, client_ip: str) -> "UnboundAttempts":
        """The same after a right answer from this address; what the pool gave stays given."""
        kept = tuple(one for one in self.by_ip if one.client_ip != client_ip)
        return replace(self, by_ip=kept)

    def prune(self, now: datetime) -> "UnboundAttempts":
        """The same without what no longer counts, or not yet."""
        until = now + CLOCK_SKEW
        of_an_hour, of_a_day = now - ATTEMPTS_PER_IP.period, now - _MAX_PERIOD
        return UnboundAttempts(
            tuple(one for one in self.by_ip if of_an_hour < one.attempted_at <= until),
            tuple(at for at in self.shared if of_a_day < at <= until),
        )

    def expiry_times(self) -> list[datetime]:
        """The moments at which the single counts end."""
        return [one.attempted_at + ATTEMPTS_PER_IP.period for one in self.by_ip] + [
            at + _MAX_PERIOD for at in self.shared
        ]

    def _attempt_times(self, client_ip: str) -> list[datetime]:
        return [one.attempted_at for one in self.by_ip if one.client_ip == client_ip]

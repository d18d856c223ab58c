"""Attempts to verify a code, and the limits of those that name no request."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import OtpCode
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Delivery
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow

ATTEMPTS_PER_IP: Final = SlidingWindow(5, timedelta(hours=1))
SHARED_ATTEMPTS: Final = (
    SlidingWindow(15, timedelta(hours=1)),
    SlidingWindow(30, timedelta(days=1)),
)
_MAX_PERIOD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OtpAttempt:
    """A code from `client_ip`, with the id of a request or without.

    `new_identity_id` is assigned to a phone without an identity if the code is correct.
    """

    code: OtpCode
    client_ip: HashedClientIp
    now: datetime
    request_id: str | None = None
    new_identity_id: str | None = None


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Whether an attempt is correct, and how many more attempts its client has.

    A correct attempt also has the id of the phone's identity, and its delivery: that of the named
    request, or the latest delivery of the code.
    """

    is_correct: bool
    attempts_left: int
    delivery: Delivery | None = None
    identity_id: str | None = None


@dataclass(frozen=True, slots=True)
class IpAttempt:
    """One attempt of an IP that named no request."""

    client_ip_hash: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class UnboundAttempts:
    """Attempts that named no request: of each IP, and those of all unknown IPs together.

    NIST SP 800-63B-4 allows 100 failures in a row. For a client that is not at a trusted IP the
    shared limit and the deliveries of a day stay below that together. The shared limit rejects
    only unknown IPs: when it is used up, the app of the owner still works.
    """

    by_ip: tuple[IpAttempt, ...] = ()
    shared: tuple[datetime, ...] = ()

    def remaining_for(self, client_ip_hash: str, now: datetime) -> int:
        """Return how many attempts of its own the IP has left."""
        return ATTEMPTS_PER_IP.remaining(self._attempt_times(client_ip_hash), now)

    def remaining_shared(self, now: datetime) -> int:
        """Return how many attempts all unknown IPs together have left."""
        return min(window.remaining(self.shared, now) for window in SHARED_ATTEMPTS)

    def next_available_for(self, client_ip_hash: str, now: datetime) -> datetime:
        """Return when the IP has an attempt of its own again."""
        return ATTEMPTS_PER_IP.next_available(self._attempt_times(client_ip_hash), now)

    def next_available_shared(self, now: datetime) -> datetime:
        """Return when unknown IPs have an attempt again."""
        return max(window.next_available(self.shared, now) for window in SHARED_ATTEMPTS)

    def count(self, client_ip_hash: str, now: datetime, *, is_shared: bool) -> "UnboundAttempts":
        """Return the attempts with one more of this IP, and one more of the shared limit."""
        return UnboundAttempts(
            (*self.by_ip, IpAttempt(client_ip_hash, now)),
            (*self.shared, now) if is_shared else self.shared,
        )

    def reset(self, client_ip_hash: str) -> "UnboundAttempts":
        """Return the attempts after a correct code from this IP. Shared ones stay counted."""
        kept = tuple(attempt for attempt in self.by_ip if attempt.client_ip_hash != client_ip_hash)
        return replace(self, by_ip=kept)

    def prune(self, now: datetime) -> "UnboundAttempts":
        """Return the attempts that count: none that expired, none from the future."""
        latest = now + CLOCK_SKEW
        since_hour, since_day = now - ATTEMPTS_PER_IP.period, now - _MAX_PERIOD
        return UnboundAttempts(
            tuple(attempt for attempt in self.by_ip if since_hour < attempt.attempted_at <= latest),
            tuple(time for time in self.shared if since_day < time <= latest),
        )

    def client_ip_expiry_times(self) -> list[datetime]:
        """Return when each of the attempts that name an IP expires."""
        return [attempt.attempted_at + ATTEMPTS_PER_IP.period for attempt in self.by_ip]

    def expiry_times(self) -> list[datetime]:
        """Return when each of the attempts expires."""
        return self.client_ip_expiry_times() + [time + _MAX_PERIOD for time in self.shared]

    def _attempt_times(self, client_ip_hash: str) -> list[datetime]:
        return [
            attempt.attempted_at
            for attempt in self.by_ip
            if attempt.client_ip_hash == client_ip_hash
        ]

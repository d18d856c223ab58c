"""Attempts at a phone while none of its challenges is active, from one IP."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import REPEAT_PERIOD
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow

UNCHALLENGED_ATTEMPTS: Final = SlidingWindow(5, timedelta(hours=1))
"""Attempts of one IP at one phone while no challenge of the phone is active."""
_EXPIRED: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UnchallengedAttempt:
    """An attempt, and what identifies its code among those that were tried at the phone."""

    digest: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class UnchallengedAttempts:
    """The attempts of an IP at a phone while no challenge of it is active.

    They are the same for every phone, and kept apart from it: a phone has no state because of them.
    They do not remove an expired challenge either, because that write would show in the time of the
    response. So after the clock was set back, an unused code is correct until it expires anew.
    """

    id: str
    attempts: tuple[UnchallengedAttempt, ...] = ()

    @property
    def expires_at(self) -> datetime:
        """When none of them counts anymore, also by a clock that is behind."""
        times = [attempt.attempted_at for attempt in self.attempts]
        return max(times, default=_EXPIRED) + UNCHALLENGED_ATTEMPTS.period + CLOCK_SKEW

    def left(self, now: datetime) -> int:
        return UNCHALLENGED_ATTEMPTS.remaining(self._times(now), now)

    def available_at(self, now: datetime) -> datetime:
        return UNCHALLENGED_ATTEMPTS.next_available(self._times(now), now)

    def is_repeat(self, digest: str, now: datetime) -> bool:
        """Return whether the latest attempt tried this code less than ten seconds ago."""
        latest_at = max(self._times(now), default=None)
        if latest_at is None or now - latest_at >= REPEAT_PERIOD:
            return False
        return any(
            attempt.digest == digest and attempt.attempted_at == latest_at
            for attempt in self.attempts
        )

    def count(self, digest: str, now: datetime) -> "UnchallengedAttempts":
        """Return the attempts with one more, and without those that are over by any clock."""
        since = now - UNCHALLENGED_ATTEMPTS.period - CLOCK_SKEW
        kept = tuple(attempt for attempt in self.attempts if attempt.attempted_at > since)
        return replace(self, attempts=(*kept, UnchallengedAttempt(digest, now)))

    def _times(self, now: datetime) -> Sequence[datetime]:
        return [
            attempt.attempted_at
            for attempt in self.attempts
            if attempt.attempted_at <= now + CLOCK_SKEW
        ]


def unchallenged_attempts_id(client_ip: HashedClientIp, phone_key: str) -> str:
    """Return the id of the attempts of an IP at a phone, which reveals neither."""
    return f"{client_ip.ip}:{phone_key}"

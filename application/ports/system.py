"""What all features need: clock, randomness and health checks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.security_events import SecurityEvents


class Clock(Protocol):
    """The current time."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        ...


class MonotonicClock(Protocol):
    """A clock that is never set, such as `time.monotonic`."""

    def __call__(self) -> float:
        """Return the seconds since a moment that stays the same while the process runs."""
        ...


class Randomness(Protocol):
    """A cryptographically secure source (OWASP ASVS 5.0 6.5.3)."""

    def bytes(self, count: int) -> bytes:
        """Return that many unpredictable bytes."""
        ...


class HealthCheck(Protocol):
    """Whether a part that the service needs works."""

    async def check(self) -> None:
        """Check that the part would do its work now.

        - It takes a limited time, and does not block the event loop.
        - Readiness answers before a check that takes 0.5 seconds or longer, and cancels it after
          15 seconds.

        Raises:
            PortError: it would not; the text says why.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPorts:
    """What every feature needs."""

    clock: Clock
    randomness: Randomness
    events: SecurityEvents

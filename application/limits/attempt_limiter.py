"""The limits of attempts to verify a code that many phones share."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.limits.limit_alerts import LimitAlerts
from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.otp.delivery import HashedClientIp
from domain.otp.rate_limits import RateLimit, RateLimits
from domain.otp.sliding_window import whole_seconds


@dataclass(slots=True)
class _Permits:
    """The permits of these limits. They are acquired at most once.

    `available_at` is when they can be acquired, if they could not.
    """

    limit_store: LimitStore
    limits: Sequence[RateLimit]
    now: datetime
    was_tried: bool = False
    available_at: datetime | None = None

    async def acquire(self) -> int | None:
        """Acquire them. Return None, or in how many seconds they can be acquired."""
        if not self.was_tried:
            self.available_at = await self.limit_store.acquire(self.limits, self.now)
            self.was_tried = True
        return whole_seconds(self.now, self.available_at) if self.available_at else None

    async def release(self) -> None:
        """Release them. If that fails, they expire."""
        is_held, self.was_tried = self.was_tried and self.available_at is None, False
        if is_held:
            with suppress(StorageError):
                await self.limit_store.release(self.limits, self.now)


@dataclass(frozen=True, slots=True)
class AttemptPermits:
    """The permits of one attempt, which exist only during its request.

    Each is acquired at most once, also if the attempt is decided on again.
    """

    of_ip: _Permits
    of_others: _Permits
    alerts: LimitAlerts

    async def try_ip(self) -> None:
        """Acquire the permit of the IP, if there is one."""
        await self.of_ip.acquire()

    async def acquire_for_ip(self) -> None:
        """Acquire the permit of the IP.

        Raises:
            TooManyAttemptsFromIp
        """
        if (seconds := await self.of_ip.acquire()) is not None:
            self.alerts.warn_of_ip("per_ip", "attempts")
            raise TooManyAttemptsFromIp(seconds)

    async def acquire_for_others(self) -> None:
        """Acquire the permits of an attempt that counts on no particular client.

        Raises:
            TooManyAttempts
        """
        if (seconds := await self.of_others.acquire()) is not None:
            raise TooManyAttempts(seconds)

    async def release_for_others(self) -> None:
        await self.of_others.release()

    async def release(self) -> None:
        await asyncio.gather(self.of_ip.release(), self.of_others.release())


@dataclass(frozen=True, slots=True)
class AttemptLimiter:
    """Limit the attempts of an IP, and those that count on no particular client."""

    limit_store: LimitStore
    limits: RateLimits
    alerts: LimitAlerts

    def permits_of(
        self, client_ip: HashedClientIp, country: str | None, now: datetime
    ) -> AttemptPermits:
        """Return the permits that an attempt at a phone of the country may need, none acquired.

        Without a country it is one with a passkey, at no phone.
        """
        of_others = self.limits.for_others(country) if country is not None else ()
        return AttemptPermits(
            of_ip=_Permits(self.limit_store, self.limits.for_verification(client_ip), now),
            of_others=_Permits(self.limit_store, of_others, now),
            alerts=self.alerts,
        )

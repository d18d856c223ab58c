"""The limits of attempts to verify a code that many phones share."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.otp.client_ip import HashedClientIp
from domain.otp.rate_limits import Acquisition, RateLimit, RateLimits, Reservation
from domain.otp.sliding_window import whole_seconds


@dataclass(slots=True)
class AttemptPermits:
    """The permits of one attempt, which exist only during its request.

    Each is acquired at most once, also if the attempt is decided on again.
    """

    limit_store: LimitStore
    of_ip: tuple[RateLimit, ...]
    of_others: tuple[RateLimit, ...]
    now: datetime
    _ip: Acquisition | datetime | None = field(default=None, init=False)
    _others: Acquisition | datetime | None = field(default=None, init=False)

    async def try_ip(self) -> None:
        """Acquire the permit of the IP, if there is one.

        Raises:
            StorageError
        """
        if self._ip is None:
            [self._ip] = await self.limit_store.acquire(Reservation(self.now, self.of_ip))

    async def acquire_for_ip(self) -> None:
        """Acquire the permit of the IP.

        Raises:
            TooManyAttemptsFromIp
            StorageError
        """
        await self.try_ip()
        if isinstance(self._ip, datetime):
            raise TooManyAttemptsFromIp(whole_seconds(self.now, self._ip))

    async def acquire_for_others(self) -> None:
        """Acquire the permits of an attempt that counts on nobody in particular.

        Raises:
            TooManyAttempts
            StorageError
        """
        if self._others is None:
            [self._others] = await self.limit_store.acquire(Reservation(self.now, self.of_others))
        if isinstance(self._others, datetime):
            raise TooManyAttempts(whole_seconds(self.now, self._others))

    async def release_for_others(self) -> None:
        """Release the permits of an attempt that is not counted. Where that fails they expire."""
        await self._release(self._others)
        self._others = None

    async def release(self) -> None:
        """Release all permits. Where that fails they expire."""
        await asyncio.gather(self._release(self._ip), self._release(self._others))
        self._ip = self._others = None

    async def _release(self, acquired: Acquisition | datetime | None) -> None:
        if isinstance(acquired, Acquisition):
            with suppress(StorageError):
                await self.limit_store.release(acquired)


@dataclass(frozen=True, slots=True)
class AttemptLimiter:
    """Limit the attempts of an IP, and those that count on nobody in particular."""

    limit_store: LimitStore
    limits: RateLimits

    def permits_of(self, client_ip: HashedClientIp, country: str, now: datetime) -> AttemptPermits:
        """Return the permits that an attempt at a phone of the country may need, none acquired."""
        of_ip, of_others = self.limits.for_verification(client_ip), self.limits.for_others(country)
        return AttemptPermits(self.limit_store, of_ip, of_others, now)

"""The limits of attempts to verify a code that many phones share."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.otp.client_ip import HashedClientIp
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

    async def acquire(self) -> None:
        if not self.was_tried:
            self.available_at = await self.limit_store.acquire(self.limits, self.now)
            self.was_tried = True

    async def release(self) -> None:
        is_held, self.was_tried = self.was_tried and self.available_at is None, False
        if is_held:
            with suppress(StorageError):
                await self.limit_store.release(self.limits, self.now)


@dataclass(slots=True)
class AttemptPermits:
    """The permits of one attempt, which exist only during its request.

    Each is acquired at most once, also if the attempt is decided on again.
    """

    limit_store: LimitStore
    limits: RateLimits
    client_ip: HashedClientIp
    country: str
    now: datetime
    _of_ip: _Permits = field(init=False)
    _of_others: _Permits = field(init=False)

    def __post_init__(self) -> None:
        of_ip = self.limits.for_verification(self.client_ip)
        of_others = self.limits.for_others(self.country)
        self._of_ip = _Permits(self.limit_store, of_ip, self.now)
        self._of_others = _Permits(self.limit_store, of_others, self.now)

    async def try_ip(self) -> None:
        """Acquire the permit of the IP, if there is one.

        Raises:
            StorageError
        """
        await self._of_ip.acquire()

    async def acquire_for_ip(self) -> None:
        """Acquire the permit of the IP.

        Raises:
            TooManyAttemptsFromIp
            StorageError
        """
        await self._of_ip.acquire()
        if self._of_ip.available_at is not None:
            raise TooManyAttemptsFromIp(whole_seconds(self.now, self._of_ip.available_at))

    async def acquire_for_others(self) -> None:
        """Acquire the permits of an attempt that counts on nobody in particular.

        Raises:
            TooManyAttempts
            StorageError
        """
        await self._of_others.acquire()
        if self._of_others.available_at is not None:
            raise TooManyAttempts(whole_seconds(self.now, self._of_others.available_at))

    async def release_for_others(self) -> None:
        """Release the permits of an attempt that is not counted. Where that fails they expire."""
        await self._of_others.release()

    async def release(self) -> None:
        """Release all permits. Where that fails they expire."""
        await asyncio.gather(self._of_ip.release(), self._of_others.release())


@dataclass(frozen=True, slots=True)
class AttemptLimiter:
    """Limit the attempts of an IP, and those that count on nobody in particular."""

    limit_store: LimitStore
    limits: RateLimits

    def permits_of(self, client_ip: HashedClientIp, country: str, now: datetime) -> AttemptPermits:
        """Return the permits that an attempt at a phone of the country may need, none acquired."""
        return AttemptPermits(self.limit_store, self.limits, client_ip, country, now)

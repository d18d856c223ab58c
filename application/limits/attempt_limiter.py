"""The rate limits of attempts to verify a code."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.otp.attempts import (
    Exhausted,
    ExhaustedIp,
    NotCounted,
    OtpAttempt,
    Retried,
    VerificationResult,
    Wrong,
)
from domain.otp.client_ip import HashedClientIp
from domain.otp.rate_limits import RateLimit, RateLimits
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class AttemptPermits:
    """The permits of an attempt. They exist only during its request.

    Attributes:
        phone: The phone whose code is tried.
        acquired_at: When they were acquired.
        of_ip: The limits of the IP.
        ip_available_at: When the IP has a permit; None if it was acquired.
        of_others: The limits of an attempt of others whose permits it has, if any. They are
            released once, unless the attempt turns out to be one of theirs that counts.
        is_limited: Whether a limit of attempts of others is used up.
    """

    phone: PhoneNumber
    acquired_at: datetime
    of_ip: Sequence[RateLimit]
    ip_available_at: datetime | None
    of_others: Sequence[RateLimit]
    is_limited: bool


@dataclass(frozen=True, slots=True)
class AttemptLimiter:
    """Limit the attempts of an IP, and those of others."""

    limit_store: LimitStore
    limits: RateLimits

    async def acquire_for_ip(self, now: datetime, client_ip: HashedClientIp) -> None:
        """Acquire the permit of an attempt that counts for its IP only.

        Raises:
            TooManyAttemptsFromIp
            StorageError
        """
        of_ip = self.limits.for_verification(client_ip)
        available_at = await self.limit_store.acquire(of_ip, now)
        if available_at is not None:
            raise TooManyAttemptsFromIp(whole_seconds(now, available_at))

    async def acquire(
        self, now: datetime, client_ip: HashedClientIp, phone: PhoneNumber, *, has_id: bool
    ) -> AttemptPermits:
        """Acquire the permits that an attempt needs before its result is known.

        One with an id is never one of others.

        Raises:
            StorageError
        """
        of_ip = self.limits.for_verification(client_ip)
        of_others = () if has_id else self.limits.for_others(phone.country)
        tried = [of_ip] if has_id else [of_ip, of_others]
        ip_available_at, *others_available_at = await asyncio.gather(
            *(self.limit_store.acquire(limits, now) for limits in tried)
        )
        is_limited = any(others_available_at)
        return AttemptPermits(
            phone, now, of_ip, ip_available_at, () if is_limited else of_others, is_limited
        )

    async def count(
        self,
        attempt: OtpAttempt,
        permits: AttemptPermits,
        result: VerificationResult,
    ) -> int:
        """Count an attempt where the phone did not, and return how many attempts are left.

        The permits of others are released, unless an attempt of theirs is counted. Those of a
        correct code are not: the caller releases them while it opens the session.

        Args:
            attempt: the attempt.
            permits: its permits.
            result: its result. What it counts on messages is saved.

        Raises:
            TooManyAttempts: it was not looked at.
            TooManyAttemptsFromIp
            StorageError
        """
        match result:
            case ExhaustedIp(retry_after):
                await self.release(permits)
                raise TooManyAttemptsFromIp(retry_after)
            case Exhausted(retry_after):
                available_at, _ = await asyncio.gather(
                    self.limit_store.next_available(permits.of_ip, attempt.now),
                    self.release(permits),
                )
                raise TooManyAttempts(max(retry_after, whole_seconds(attempt.now, available_at)))
            case Wrong(left, is_of_others=False) | NotCounted(left) | Retried(attempts_left=left):
                await self.release(permits)
                return left
            case _:
                return result.attempts_left

    async def release(self, permits: AttemptPermits) -> None:
        """Release the permits of others. Where that fails they expire."""
        if permits.of_others:
            with suppress(StorageError):
                await self.limit_store.release(permits.of_others, permits.acquired_at)

    async def release_all(self, permits: AttemptPermits) -> None:
        """Release the permits of an attempt that counts nowhere. Where that fails they expire."""
        if permits.ip_available_at is None:
            with suppress(StorageError):
                await self.limit_store.release(permits.of_ip, permits.acquired_at)
        await self.release(permits)

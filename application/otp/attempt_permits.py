"""The permits of an attempt to verify a code."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from application.ports.errors import StorageError
from application.ports.rate_limiter import RateLimiter
from domain.errors import TooManyAttempts
from domain.otp.attempt_counters import REPEAT_PERIOD
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import whole_seconds
from domain.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPermits:
    """What the rate limits have for an attempt.

    Attributes:
        rate_limiter: Has them.
        of_ip: The permits of the IP.
        of_failure: The permits of a failed attempt, None if a limit is used up. They are released
            unless the attempt turns out to be a failure that counts.
        unchallenged: The limit of attempts while no challenge is active.
        earlier: The permits of that limit for earlier attempts.
    """

    rate_limiter: RateLimiter
    of_ip: Reservation
    of_failure: Reservation | None
    unchallenged: RateLimit
    earlier: Sequence[Permit]

    async def apply(self, attempt: OtpAttempt, result: VerificationResult) -> int | TooManyAttempts:
        """Return how many attempts are left, or the error if this one was not looked at.

        Without attempts left, and without a challenge, the permits of a failure are released unless
        it counts on a callback.

        Raises:
            StorageError
        """
        if result.retry_after is not None:
            # At the same time, as without a challenge: the time reveals no challenge.
            available_at, _ = await asyncio.gather(
                self.rate_limiter.next_available(self.of_ip), self._settle_failure(result)
            )
            return TooManyAttempts(
                max(result.retry_after, whole_seconds(attempt.now, available_at))
            )
        if result.is_unchallenged:
            return await self._count_unchallenged(attempt, result)
        return result.attempts_left

    async def _settle_failure(self, result: VerificationResult) -> None:
        """Release the permits of a failure that does not count.

        Those of one that counts are kept, in as many round trips: the time reveals no challenge.
        """
        if self.of_failure is None:
            return
        if result.is_counted:
            await release(self.rate_limiter, replace(self.of_failure, limits=()))
            with suppress(StorageError):
                await self.rate_limiter.next_available(self.of_failure)
        else:
            await release(self.rate_limiter, self.of_failure)

    async def _count_unchallenged(
        self, attempt: OtpAttempt, result: VerificationResult
    ) -> int | TooManyAttempts:
        """Count an attempt while no challenge is active.

        The code that was just used, and a repeat of the latest code, are not counted again.

        Raises:
            StorageError
        """
        limit, earlier = self.unchallenged, self.earlier
        now, left = attempt.now, limit.window.limit - len(earlier)
        available_at = attempt.unchallenged_at
        latest = [permit for permit in earlier if permit.acquired_at == earlier[-1].acquired_at]
        is_repeat = any(
            permit.reservation_id == attempt.digest() and now - permit.acquired_at < REPEAT_PERIOD
            for permit in latest
        )
        if left > 0 and not is_repeat and not result.is_replay:
            reservation = Reservation(attempt.digest(), now, (limit,))
            available_at, _ = await asyncio.gather(
                self.rate_limiter.acquire(reservation), self._settle_failure(result)
            )
        else:
            await self._settle_failure(result)
        if left > 0 and is_repeat:
            return left
        if left > 0 and (result.is_replay or available_at is None):
            return left - 1
        return TooManyAttempts(whole_seconds(now, available_at or now))


async def release(rate_limiter: RateLimiter, reservation: Reservation | None) -> None:
    """Release permits. Where that fails they expire."""
    if reservation is not None:
        with suppress(StorageError):
            await rate_limiter.release(reservation)

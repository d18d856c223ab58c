"""The rate limits of attempts to verify a code."""

import asyncio
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
from domain.otp.rate_limits import Acquisition, RateLimits, Reservation
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class AttemptPermits:
    """The permits of an attempt. They exist only during its request.

    Attributes:
        phone: The phone whose code is tried.
        of_ip: The reservation of the IP.
        acquired_of_ip: What was acquired for it; None if it was rejected.
        ip_available_at: When the IP has a permit; None if that reservation was accepted.
        of_others: The permits of an attempt of others, None without them. They are released once,
            unless the attempt turns out to be one of theirs that counts.
        is_limited: Whether a limit of attempts of others is used up.
    """

    phone: PhoneNumber
    of_ip: Reservation
    acquired_of_ip: Acquisition | None
    ip_available_at: datetime | None
    of_others: Acquisition | None
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
        of_ip = Reservation(now, self.limits.for_verification(client_ip))
        [acquired] = await self.limit_store.acquire(of_ip)
        if not isinstance(acquired, Acquisition):
            raise TooManyAttemptsFromIp(whole_seconds(now, acquired))

    async def acquire(
        self, now: datetime, client_ip: HashedClientIp, phone: PhoneNumber, *, has_id: bool
    ) -> AttemptPermits:
        """Acquire the permits that an attempt needs before its result is known.

        One with an id is never one of others.

        Raises:
            StorageError
        """
        of_ip = Reservation(now, self.limits.for_verification(client_ip))
        reservations = [of_ip]
        if not has_id:
            reservations.append(Reservation(now, self.limits.for_others(phone.country)))
        for_ip, *for_others = await self.limit_store.acquire(*reservations)
        acquired = [each for each in for_others if isinstance(each, Acquisition)]
        return AttemptPermits(
            phone,
            of_ip,
            for_ip if isinstance(for_ip, Acquisition) else None,
            None if isinstance(for_ip, Acquisition) else for_ip,
            acquired[0] if acquired else None,
            is_limited=bool(for_others) and not acquired,
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
                    self.limit_store.next_available(permits.of_ip), self.release(permits)
                )
                raise TooManyAttempts(max(retry_after, whole_seconds(attempt.now, available_at)))
            case Wrong(left, is_of_others=False) | NotCounted(left) | Retried(attempts_left=left):
                await self.release(permits)
                return left
            case _:
                return result.attempts_left

    async def release(self, permits: AttemptPermits) -> None:
        """Release the permits of others. Where that fails they expire."""
        if permits.of_others is not None:
            with suppress(StorageError):
                await self.limit_store.release(permits.of_others)

    async def release_all(self, permits: AttemptPermits) -> None:
        """Release the permits of an attempt that counts nowhere. Where that fails they expire."""
        if permits.acquired_of_ip is not None:
            with suppress(StorageError):
                await self.limit_store.release(permits.acquired_of_ip)
        await self.release(permits)

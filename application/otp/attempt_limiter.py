"""The rate limits of attempts to verify a code."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from application.otp.permits import release_permits
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications, RateLimiter
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.otp.attempts import (
    Exhausted,
    ExhaustedIp,
    OtpAttempt,
    Repeated,
    Unchallenged,
    VerificationResult,
)
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import count_on_callback
from domain.otp.delivery import REPEAT_PERIOD, Delivery
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import DeliveryRoute, Permit, RateLimit, RateLimits, Reservation
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class AttemptPermits:
    """What the rate limits have for an attempt.

    Attributes:
        phone: The phone whose code is tried.
        phone_key: Identifies the phone in the names of limits.
        of_ip: The permits of the IP.
        ip_available_at: When the IP has a permit; None if those above were acquired.
        of_failure: The permits of a failed attempt, None if a limit is used up. They are released
            unless the attempt turns out to be a failure that counts.
        unchallenged: The limit of attempts while no challenge is active.
        earlier: The permits of that limit for earlier attempts.
    """

    phone: PhoneNumber
    phone_key: str
    of_ip: Reservation
    ip_available_at: datetime | None
    of_failure: Reservation | None
    unchallenged: RateLimit
    earlier: Sequence[Permit]

    @property
    def unchallenged_at(self) -> datetime:
        """When there is an attempt while no challenge is active: now, or later."""
        times = [permit.acquired_at for permit in self.earlier]
        return self.unchallenged.window.next_available(times, self.of_ip.acquired_at)


@dataclass(frozen=True, slots=True)
class AttemptLimiter:
    """Limit the attempts of an IP, failed attempts, and those while no challenge is active."""

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    rate_limits: RateLimits
    keyed_hashes: KeyedHashes

    async def acquire(
        self,
        attempt_id: str,
        now: datetime,
        client_ip: HashedClientIp,
        phone: PhoneNumber,
        phone_key: str,
    ) -> AttemptPermits:
        """Acquire the permits that an attempt needs before its result is known.

        Raises:
            StorageError
        """
        limits = self.rate_limits
        of_ip = Reservation(
            f"{attempt_id}:attempt", now, limits.for_verification(client_ip), is_releasable=False
        )
        failed_attempt = limits.for_failed_attempt(client_ip, phone.country)
        of_failure = Reservation(f"{attempt_id}:failure", now, failed_attempt)
        unchallenged = limits.for_unchallenged_attempt(client_ip, phone_key)
        (ip_available_at, limited_until), earlier = await asyncio.gather(
            self.rate_limiter.acquire_each(of_ip, of_failure),
            self.rate_limiter.list_permits(unchallenged, now),
        )
        return AttemptPermits(
            phone,
            phone_key,
            of_ip,
            ip_available_at,
            None if limited_until else of_failure,
            unchallenged,
            earlier,
        )

    async def apply(
        self,
        attempt: OtpAttempt,
        permits: AttemptPermits,
        result: VerificationResult,
        loaded: Versioned[PhoneVerification] | None,
    ) -> int:
        """Return how many attempts are left.

        What counts on a callback is saved while the limits are asked, in place of a release: so
        the time does not reveal whether there is a callback.

        Args:
            attempt: the attempt.
            permits: its permits.
            result: its result. What it counts on messages is saved.
            loaded: the phone's verification, if it has not changed.

        Raises:
            TooManyAttempts: it was not looked at.
            TooManyAttemptsFromIp
            StorageError
        """
        match result:
            case ExhaustedIp(retry_after):
                await release_permits(self.rate_limiter, permits.of_failure)
                raise TooManyAttemptsFromIp(retry_after)
            case Exhausted(retry_after, may_count):
                available_at, _ = await asyncio.gather(
                    self.rate_limiter.next_available(permits.of_ip),
                    self._count_failure(attempt, permits, loaded, may_count=may_count),
                )
                raise TooManyAttempts(max(retry_after, whole_seconds(attempt.now, available_at)))
            case Unchallenged(is_used_code, code):
                (left, unchallenged_at), _ = await asyncio.gather(
                    self._count_unchallenged(attempt, permits, is_used_code=is_used_code),
                    self._count_failure(attempt, permits, loaded, may_count=not is_used_code),
                )
                # A client that repeats its own login needs no attempt. Its IP alone does not
                # prove that: others behind it would guess.
                is_own = code is not None and (
                    attempt.request_id is not None or code.is_device_recognized
                )
                if unchallenged_at is not None and not is_own:
                    raise TooManyAttempts(whole_seconds(attempt.now, unchallenged_at))
                return left
            case Repeated(left):
                await release_permits(self.rate_limiter, permits.of_failure)
                return left
            case _:
                return result.attempts_left

    async def release(self, permits: AttemptPermits, deliveries: Sequence[Delivery] = ()) -> None:
        """Release what a login releases: the permits of a failure, and of what had its code."""
        releases = [release_permits(self.rate_limiter, permits.of_failure)]
        phone = permits.phone
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)
        for one in deliveries:
            route = DeliveryRoute(one.client_ip, phone.country, number_range, permits.phone_key)
            limits = self.rate_limits.released_by_login(route)
            of_delivery = Reservation(one.request_id, one.sent_at, limits)
            releases.append(release_permits(self.rate_limiter, of_delivery))
        await asyncio.gather(*releases)

    async def _count_unchallenged(
        self, attempt: OtpAttempt, permits: AttemptPermits, *, is_used_code: bool
    ) -> tuple[int, datetime | None]:
        """Count an attempt while no challenge is active.

        The code that was just used, and a repeat of the latest code, are not counted again.

        Returns:
            How many are left, and when there is one if this one was too many.
        """
        limit, earlier, digest = permits.unchallenged, permits.earlier, attempt.digest()
        left = limit.window.limit - len(earlier)
        if left <= 0:
            return 0, attempt.unchallenged_at
        if any(
            permit.reservation_id == digest and attempt.now - permit.acquired_at < REPEAT_PERIOD
            for permit in earlier
            if permit.acquired_at == earlier[-1].acquired_at
        ):
            return left, None
        if is_used_code:
            return left - 1, None
        return left - 1, await self.rate_limiter.acquire(Reservation(digest, attempt.now, (limit,)))

    async def _count_failure(
        self,
        attempt: OtpAttempt,
        permits: AttemptPermits,
        loaded: Versioned[PhoneVerification] | None,
        *,
        may_count: bool,
    ) -> None:
        """Count the attempt on a callback, or release the permits of a failure."""
        count = partial(count_on_callback, attempt=attempt)
        if not may_count or not await update_phone_verification(
            self.phone_verifications, permits.phone, count, loaded
        ):
            await release_permits(self.rate_limiter, permits.of_failure)
        elif permits.of_failure is not None:
            with suppress(StorageError):  # a release takes a second round trip as well
                await self.rate_limiter.next_available(permits.of_failure)

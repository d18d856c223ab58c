"""Permits of the limits that many phones share: acquire those of a delivery, release any."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from application.otp.codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import RateLimiter
from domain.otp.attempts import OtpAttempt
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import CodeCheck
from domain.otp.delivery import Channel, OtpRequest
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import DeliveryRoute, RateLimits, Reservation
from domain.otp.review_otps import TEST_OTP_POLICY
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


async def release_permits(rate_limiter: RateLimiter, reservation: Reservation | None) -> None:
    """Release permits. Where that fails they expire."""
    if reservation is not None:
        with suppress(StorageError):
            await rate_limiter.release(reservation)


@dataclass(frozen=True, slots=True)
class DeliveryPermits:
    """When a delivery is allowed, and its permits. The reserve is used last."""

    rate_limiter: RateLimiter
    identities: Identities
    codes: OtpCodes
    keyed_hashes: KeyedHashes
    rate_limits: RateLimits
    delivery_policy: DeliveryPolicy

    def policy(self, phone: PhoneNumber, now: datetime) -> DeliveryPolicy:
        """Return the policy of deliveries to this phone."""
        is_test_phone = self.codes.is_test_phone(phone, now)
        return TEST_OTP_POLICY if is_test_phone else self.delivery_policy

    def make_reservation(
        self,
        phone: PhoneNumber,
        request: OtpRequest | OtpAttempt,
        verification: PhoneVerification,
        request_id: str = "",
        channel: Channel = Channel.SMS,
    ) -> Reservation:
        """Return the reservation of a delivery by this client, with all parts that it may have."""
        if self.codes.is_test_phone(phone, request.now):
            # No message is sent, so it costs nothing of a country or in total.
            return Reservation(request_id, request.now, self.rate_limits.for_ip(request.client_ip))
        return self.rate_limits.reserve_delivery(
            request_id,
            request.now,
            self._route(phone, request.client_ip),
            verification.recognize(request),
            channel,
        )

    def make_callback_reservation(
        self, reservation_id: str, now: datetime, phone: PhoneNumber
    ) -> Reservation:
        """Return the reservation of a callback, with both parts that it may have."""
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)
        return self.rate_limits.reserve_callback(reservation_id, now, phone.country, number_range)

    async def release_rejected(
        self, phone: PhoneNumber, reservation: Reservation, client_ip: HashedClientIp
    ) -> None:
        """Release what a delivery does not keep that a provider rejected."""
        limits = self.rate_limits.released_by_rejection(self._route(phone, client_ip))
        await release_permits(self.rate_limiter, replace(reservation, limits=limits, divided=()))

    async def acquire(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> datetime | None:
        """Acquire the permits, or return when there are some.

        Raises:
            StorageError
        """
        available_at = await self.rate_limiter.acquire(reservation.without_reserve())
        if await self._may_use_reserve(reservation, verification, available_at):
            return await self.rate_limiter.acquire(reservation)
        return available_at

    async def next_available(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> datetime:
        """Return when there are permits: the time of the reservation, or later.

        Raises:
            StorageError
        """
        available_at = await self.rate_limiter.next_available(reservation.without_reserve())
        if await self._may_use_reserve(reservation, verification, available_at):
            return await self.rate_limiter.next_available(reservation)
        return available_at

    async def resend_in(
        self, phone: PhoneNumber, attempt: OtpAttempt, verification: PhoneVerification
    ) -> int:
        """Return when a new code can be requested by a message: whole seconds from the attempt on.

        - It is exact only for a client that has a valid request id or device token of this phone.
        - All others get the default cooldown, which is the same for every phone: it does not reveal
          whether somebody requests codes.

        Raises:
            StorageError
        """
        now = attempt.now
        if not CodeCheck(attempt, verification.prune(now)).has_own_attempts:
            return whole_seconds(now, now + self.delivery_policy.cooldown)
        reservation = self.make_reservation(phone, attempt, verification)
        available_at = await self.next_available(reservation, verification)
        next_request_at = verification.next_request_at(attempt, self.policy(phone, now), now)
        return whole_seconds(now, max(next_request_at, available_at))

    async def _may_use_reserve(
        self,
        reservation: Reservation,
        verification: PhoneVerification,
        available_at: datetime | None,
    ) -> bool:
        """Return whether the other parts have no permit now, and the reserve may be used.

        It is for an established identity only.
        """
        now, identity_id = reservation.acquired_at, verification.identity_id
        if available_at is None or available_at <= now:
            return False
        if identity_id is None or reservation == reservation.without_reserve():
            return False
        identity = await self.identities.load(identity_id)
        return identity is not None and identity.value.is_established(now)

    def _route(self, phone: PhoneNumber, client_ip: HashedClientIp) -> DeliveryRoute:
        return DeliveryRoute(
            client_ip,
            phone.country,
            self.keyed_hashes.hash_number_range(phone.number_range),
            self.codes.phone_key(phone),
        )

"""The permits of deliveries in the limits that many phones share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from application.otp.codes import OtpCodes
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.rate_limiter import RateLimiter
from domain.otp.attempts import OtpAttempt
from domain.otp.delivery import Channel, OtpRequest
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import DeliveryRoute, RateLimits, Reservation
from domain.phone import PhoneNumber

T = TypeVar("T", bound=datetime | None)


@dataclass(frozen=True, slots=True)
class DeliveryPermits:
    """Acquire the permits of a delivery. The reserve is used where the other parts are full."""

    rate_limiter: RateLimiter
    identities: Identities
    codes: OtpCodes
    keyed_hashes: KeyedHashes
    rate_limits: RateLimits

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
        route = DeliveryRoute(
            request.client_ip,
            phone.country,
            self.keyed_hashes.hash_number_range(phone.number_range),
            self.codes.phone_key(phone),
        )
        return self.rate_limits.reserve_delivery(
            request_id, request.now, route, verification.recognize(request), channel
        )

    async def acquire(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> datetime | None:
        """Acquire the permits, or return when there are some.

        Raises:
            StorageError
        """
        return await self._use_reserve_last(self.rate_limiter.acquire, reservation, verification)

    async def next_available(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> datetime:
        """Return when there are permits: the time of the reservation, or later.

        Raises:
            StorageError
        """
        operation = self.rate_limiter.next_available
        return await self._use_reserve_last(operation, reservation, verification)

    async def _use_reserve_last(
        self,
        operation: Callable[[Reservation], Awaitable[T]],
        reservation: Reservation,
        verification: PhoneVerification,
    ) -> T:
        """Repeat an operation with the reserve, for an established identity only."""
        of_others = reservation.without_reserve()
        available_at = await operation(of_others)
        now, identity_id = reservation.acquired_at, verification.identity_id
        if available_at is None or available_at <= now or reservation == of_others:
            return available_at
        identity = await self.identities.load(identity_id) if identity_id else None
        if identity is None or not identity.value.is_established(now):
            return available_at
        return await operation(reservation)

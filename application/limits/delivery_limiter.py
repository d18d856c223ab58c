"""When a delivery is allowed, and its permits of limits that many phones share."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from application.limits.limit_alerts import LimitAlerts
from application.limits.restrictions import FindNumberBlock, FindRestriction
from application.otp_codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.limits import LimitStore
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import CodeCheck
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import DeliveryPolicy, Limitation
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Outcome, Recognition
from domain.otp.rate_limits import (
    Acquisition,
    DeliveryRoute,
    RateLimit,
    RateLimits,
    Reservation,
    Restriction,
)
from domain.otp.sliding_window import whole_seconds
from domain.otp.test_otps import TEST_OTP_POLICY
from domain.phone import PhoneNumber


@dataclass(slots=True)
class DeliveryLimiter:
    """When a delivery is allowed, and its permits.

    - The part for proofs is used last.
    - Features add to `restrictions`, and set `find_number_block`.
    """

    limit_store: LimitStore
    codes: OtpCodes
    keyed_hashes: KeyedHashes
    limits: RateLimits
    delivery_policy: DeliveryPolicy
    alerts: LimitAlerts
    restrictions: list[FindRestriction] = field(default_factory=list)
    find_number_block: FindNumberBlock = lambda _phone, _now: None

    def policy(self, phone: PhoneNumber, now: datetime) -> DeliveryPolicy:
        """Return the policy of deliveries to this phone."""
        is_test_phone = self.codes.is_test_phone(phone, now)
        return TEST_OTP_POLICY if is_test_phone else self.delivery_policy

    def reserve(
        self, phone: PhoneNumber, request: OtpRequest, recognition: Recognition
    ) -> Reservation:
        """Return the reservation of what a request causes, with all parts that it may have."""
        now, limits, country = request.now, self.limits, phone.country
        if request.is_test:
            return limits.reserve_test_otp(now, request.client_ip, request.identity_id)
        self.alerts.measure_limits.see(country)
        route = self.route(phone, request.client_ip)
        return limits.reserve_delivery(
            now, route, recognition, request.channel, request.identity_id
        )

    def find_restriction(
        self, client_ip: str, recognition: Recognition, now: datetime
    ) -> Restriction | None:
        """Return what keeps a client from getting permits, whatever the limits say.

        One that no proof ends comes first.
        """
        found = [find(client_ip, recognition, now) for find in self.restrictions]
        return min(filter(None, found), key=lambda each: each.ends_with_proof, default=None)

    async def acquire(self, reservation: Reservation) -> Acquisition | datetime:
        """Acquire the permits without a proof, or return when there are some.

        Raises:
            StorageError
        """
        [acquired] = await self.limit_store.acquire(reservation.ordinary)
        return acquired

    async def acquire_with_proof(self, reservation: Reservation) -> Acquisition | datetime:
        """Acquire the permits with a proof, or return when there are some.

        Raises:
            StorageError
        """
        [acquired] = await self.limit_store.acquire(reservation)
        return acquired

    async def next_available_with_proof(
        self,
        reservation: Reservation,
        client_ip: HashedClientIp,
        restriction: Restriction | None,
    ) -> datetime | None:
        """Return when a proof of this IP would be checked, and get the permits.

        It is None if there is no part for proofs, and if no proof ends what restricts the client.

        Raises:
            StorageError
        """
        if restriction is None and reservation == reservation.ordinary:
            return None
        if restriction is not None and not restriction.ends_with_proof:
            return None
        checks = self.limits.for_attestation(client_ip)
        return await self.limit_store.next_available(reservation.with_limits(*checks))

    async def acquire_check_of_proof(
        self, now: datetime, client_ip: HashedClientIp
    ) -> Acquisition | datetime:
        """Acquire the permit to check a proof of this IP, or return when there is one.

        Raises:
            StorageError
        """
        checks = self.limits.for_attestation(client_ip)
        [acquired] = await self.limit_store.acquire(Reservation(now, checks))
        return acquired

    async def next_check_of_proof(self, now: datetime, client_ip: HashedClientIp) -> datetime:
        """Return when a proof of this IP would be checked.

        Raises:
            StorageError
        """
        checks = self.limits.for_attestation(client_ip)
        return await self.limit_store.next_available(Reservation(now, checks))

    async def release(self, acquired: Acquisition) -> None:
        """Release permits that nothing holds. Where that fails they expire."""
        if acquired.limits:
            with suppress(StorageError):
                await self.limit_store.release(acquired)

    async def settle(
        self,
        phone: PhoneNumber,
        delivery: Delivery,
        outcome: Outcome,
        identity_id: str | None = None,
    ) -> None:
        """Release what a delivery gives back.

        Args:
            phone: The phone.
            delivery: The delivery, before the update that cleared its permits.
            outcome: What became of it.
            identity_id: The identity whose code it carried, if only that may use it. After a login
                it does not matter.
        """
        if delivery.permits is not None:
            route = self.route(phone, delivery.client_ip)
            released = self.limits.settle(route, delivery.permits, outcome, identity_id)
            await self.release(released)

    async def next_available(
        self,
        reservation: Reservation,
        restriction: Restriction | None = None,
    ) -> datetime:
        """Return when there are permits without a proof.

        That is the time of the reservation, the end of a restriction, or later if a limit is full
        then.

        Raises:
            StorageError
        """
        if restriction is not None:
            end = max(reservation.acquired_at, restriction.until)
            reservation = replace(reservation, acquired_at=end)
        return await self.limit_store.next_available(reservation.ordinary)

    async def limit_available_at(self, limit: RateLimit, now: datetime) -> datetime:
        """Return when there is a permit of one limit: now, or later.

        Raises:
            StorageError
        """
        return await self.limit_store.next_available(Reservation(now, (limit,)))

    async def resend_in(self, phone: PhoneNumber, check: CodeCheck, client_ip: str) -> int:
        """Return when a new code can be requested by a message: whole seconds from the attempt on.

        - It is exact only for a client that has a valid request id or device token of this phone,
          and where strangers get no messages because of failed attempts.
        - All others get the default cooldown, which is the same for every phone: it does not reveal
          whether somebody requests codes.

        Raises:
            StorageError
        """
        attempt, now = check.attempt, check.attempt.now
        wait = check.state.find_wait(attempt, self.policy(phone, now))
        if wait.limitation is Limitation.FAILED_ATTEMPTS:
            return whole_seconds(now, wait.until)
        if not check.has_own_attempts:
            return whole_seconds(now, now + self.delivery_policy.cooldown)
        restriction = None
        if self.codes.is_test_phone(phone, now):
            reservation = self.limits.reserve_test_otp(now, attempt.client_ip, None)
        else:
            recognition = check.recognized.recognition
            route = self.route(phone, attempt.client_ip)
            reservation = self.limits.reserve_delivery(now, route, recognition, Channel.SMS)
            restriction = self.find_restriction(client_ip, recognition, now)
        if restriction is not None and restriction.ends_with_proof:
            # This client has got a code, so it can make a proof if one is needed.
            restriction = None
        available_at = await self.next_available(reservation, restriction)
        return whole_seconds(now, max(wait.until, available_at))

    def route(self, phone: PhoneNumber, client_ip: HashedClientIp) -> DeliveryRoute:
        """Return where a delivery comes from and goes to."""
        return DeliveryRoute(
            client_ip,
            phone.country,
            self.keyed_hashes.hash_number_range(phone.number_range),
            self.codes.phone_key(phone),
        )

"""When a delivery or callback is allowed, and its permits of limits that many phones share."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from application.limits.effective_limits import EffectiveLimits
from application.limits.limit_alerts import LimitAlerts
from application.otp.codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.limits import LimitStore
from domain.otp.attempts import OtpAttempt
from domain.otp.callback import Callback
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import CodeCheck
from domain.otp.delivery import Channel, Delivery, OtpRequest
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.permits import Outcome, Permits, Recognition
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import (
    ATTESTED,
    RESERVE,
    Acquisition,
    DeliveryRoute,
    RateLimit,
    RateLimits,
    Reservation,
    for_phone_change,
)
from domain.otp.sliding_window import whole_seconds
from domain.otp.test_otps import TEST_OTP_POLICY
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class DeliveryLimiter:
    """When a delivery is allowed, and its permits.

    The reserve is used after the ordinary parts, and the part for proofs last.
    """

    limit_store: LimitStore
    identities: Identities
    codes: OtpCodes
    keyed_hashes: KeyedHashes
    limits: EffectiveLimits
    delivery_policy: DeliveryPolicy
    alerts: LimitAlerts

    def policy(self, phone: PhoneNumber, now: datetime) -> DeliveryPolicy:
        """Return the policy of deliveries to this phone."""
        is_test_phone = self.codes.is_test_phone(phone, now)
        return TEST_OTP_POLICY if is_test_phone else self.delivery_policy

    def make_reservation(
        self,
        phone: PhoneNumber,
        request: OtpRequest | OtpAttempt,
        verification: PhoneVerification,
        now: datetime,
        channel: Channel,
        client_ip: str,
    ) -> Reservation:
        """Return the reservation of a delivery by this client, with all parts that it may have.

        It watches the limits of failed attempts: while one is used up, a delivery brings fewer.

        Args:
            phone: The phone.
            request: Who asks for it.
            verification: What is known of the phone.
            now: The time of the reservation.
            channel: How the code is delivered.
            client_ip: The IP of the request, for rules about networks.
        """
        of_identity: tuple[RateLimit, ...] = ()
        if isinstance(request, OtpRequest) and request.new_challenge.identity_id is not None:
            of_identity = for_phone_change(request.new_challenge.identity_id)
        in_force = self.limits.of_country(phone.country, now)
        watched = in_force.for_failed_attempt(request.client_ip, phone.country)
        if self.codes.is_test_phone(phone, now):
            # No message is sent, so no permit of a country or in total is needed.
            of_ip = self.limits.settings.for_ip(request.client_ip)

            def make_without_message(_: RateLimits, time: datetime) -> Reservation:
                return Reservation(time, (*of_ip, *of_identity), watched=watched)

            return self.limits.reserve(phone, client_ip, now, make_without_message)
        self.alerts.measure_limits.see(phone.country)
        is_by_operator = isinstance(request, OtpRequest) and request.is_by_operator
        if is_by_operator:
            watched = in_force.for_failed_attempts(phone.country)
        reservation = self.reserve_delivery(
            phone,
            request.client_ip,
            now,
            verification.recognize(request),
            channel,
            "" if is_by_operator else client_ip,
            is_by_operator=is_by_operator,
        )
        return replace(reservation.with_limits(*of_identity), watched=watched)

    def reserve_delivery(
        self,
        phone: PhoneNumber,
        hashed_ip: HashedClientIp,
        now: datetime,
        recognition: Recognition,
        channel: Channel,
        client_ip: str = "",
        *,
        is_by_operator: bool = False,
    ) -> Reservation:
        """Return the reservation of a delivery to a phone that has no fixed code.

        Args:
            phone: The phone.
            hashed_ip: Which IP and network are counted.
            now: The time of the reservation.
            recognition: How the client is recognized.
            channel: How the code is delivered.
            client_ip: The IP of the request; empty if rules about networks do not matter.
            is_by_operator: Whether an operator requests it for the user.
        """
        route = self.route(phone, hashed_ip)

        def make(limits: RateLimits, time: datetime) -> Reservation:
            if is_by_operator:
                return limits.reserve_operator_code(time, phone.country, channel)
            return limits.reserve_delivery(time, route, recognition, channel)

        return self.limits.reserve(phone, client_ip, now, make)

    def make_callback_reservation(self, phone: PhoneNumber, now: datetime) -> Reservation:
        """Return the reservation of a callback, with both parts that it may have.

        It watches the limits of failed attempts, from any IP.
        """
        self.alerts.measure_limits.see(phone.country)
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)

        def make(limits: RateLimits, time: datetime) -> Reservation:
            return limits.reserve_callback(time, phone.country, number_range)

        reservation = self.limits.reserve(phone, "", now, make)
        watched = self.limits.of_country(phone.country, now).for_failed_attempts(phone.country)
        return replace(reservation, watched=watched)

    async def acquire(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> Acquisition | datetime:
        """Acquire the permits without a proof, or return when there are some.

        Raises:
            StorageError
        """
        if reservation.denied_by or reservation.proof_until:
            return await self.next_available(reservation, verification)
        acquired = await self._acquire(reservation.ordinary)
        if isinstance(acquired, Acquisition):
            return acquired
        if await self._may_use_reserve(reservation, verification, acquired):
            acquired = await self._acquire(reservation.without(ATTESTED))
        return acquired

    async def acquire_with_proof(self, reservation: Reservation) -> Acquisition | datetime:
        """Acquire the permits with a proof, or return when there are some.

        It is for a reservation that was rejected without one, so the reserve has no permit for it.

        Raises:
            StorageError
        """
        return await self._acquire(reservation.without(RESERVE))

    async def next_available_with_proof(
        self, reservation: Reservation, client_ip: HashedClientIp
    ) -> datetime | None:
        """Return when a proof of this IP would be checked, and get the permits.

        It is None if there is no part for proofs.

        Raises:
            StorageError
        """
        with_proof = reservation.without(RESERVE)
        if with_proof == reservation.ordinary and not reservation.proof_until:
            return None
        checks = self.limits.settings.for_attestation(client_ip)
        return await self._next_available(with_proof.with_limits(*checks))

    async def acquire_check_of_proof(
        self, now: datetime, client_ip: HashedClientIp
    ) -> Acquisition | datetime:
        """Acquire the permit to check a proof of this IP, or return when there is one.

        Raises:
            StorageError
        """
        checks = self.limits.settings.for_attestation(client_ip)
        [acquired] = await self.limit_store.acquire(Reservation(now, checks))
        return acquired

    async def next_check_of_proof(self, now: datetime, client_ip: HashedClientIp) -> datetime:
        """Return when a proof of this IP would be checked.

        Raises:
            StorageError
        """
        checks = self.limits.settings.for_attestation(client_ip)
        return await self.limit_store.next_available(Reservation(now, checks))

    async def acquire_leaving_message(self, phone: PhoneNumber, now: datetime) -> Permits | None:
        """Acquire the permits of a message that says how to leave; None if there are none.

        Raises:
            StorageError
        """
        in_force = self.limits.of_phone(phone, now)
        limits = in_force.for_leaving_message(self.codes.phone_key(phone), phone.country)
        [acquired] = await self.limit_store.acquire(Reservation(now, limits))
        return Permits(acquired.acquired_at) if isinstance(acquired, Acquisition) else None

    async def settle_leaving_message(
        self, phone: PhoneNumber, permits: Permits, outcome: Outcome
    ) -> None:
        """Release what a message that says how to leave gives back."""
        phone_key = self.codes.phone_key(phone)
        released = self.limits.settings.settle_leaving_message(
            phone_key, phone.country, permits, outcome
        )
        await self.release(released)

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
            released = self.limits.settings.settle(route, delivery.permits, outcome, identity_id)
            await self.release(released)

    async def settle_callback(
        self, phone: PhoneNumber, callback: Callback, outcome: Outcome
    ) -> None:
        """Release what a callback gives back."""
        if callback.permits is not None:
            number_range = self.keyed_hashes.hash_number_range(phone.number_range)
            released = self.limits.settings.settle_callback(
                phone.country, number_range, callback.permits, outcome
            )
            await self.release(released)

    async def next_available(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> datetime:
        """Return when there are permits without a proof: the time of the reservation, or later.

        Raises:
            StorageError
        """
        available_at = await self._next_available(reservation.ordinary)
        if await self._may_use_reserve(reservation, verification, available_at):
            return await self._next_available(reservation.without(ATTESTED))
        return max(available_at, reservation.proof_until or available_at)

    async def _acquire(self, reservation: Reservation) -> Acquisition | datetime:
        [acquired] = await self.limit_store.acquire(reservation)
        if isinstance(acquired, Acquisition) or reservation.ruling is None:
            return acquired
        return await self._next_available(reservation)

    async def _next_available(self, reservation: Reservation) -> datetime:
        """Return when there are permits, also if rules end before."""
        available_at = await self.limit_store.next_available(reservation)
        while reservation.ruling is not None and (later := reservation.ruling.later) is not None:
            if not reservation.denied_by and available_at < later.acquired_at:
                break
            reservation = later
            available_at = await self.limit_store.next_available(reservation)
        return available_at

    async def limit_available_at(self, limit: RateLimit, now: datetime) -> datetime:
        """Return when there is a permit of one limit: now, or later.

        Raises:
            StorageError
        """
        return await self.limit_store.next_available(Reservation(now, (limit,)))

    async def resend_in(
        self,
        phone: PhoneNumber,
        attempt: OtpAttempt,
        verification: PhoneVerification,
        client_ip: str,
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
        reservation = self.make_reservation(
            phone, attempt, verification, now, Channel.SMS, client_ip
        )
        # This client has got a code, so it can make a proof if one is needed.
        unrestricted = replace(reservation, restriction=None)
        available_at = await self.next_available(unrestricted, verification)
        next_request_at = verification.next_request_at(attempt, self.policy(phone, now), now)
        return whole_seconds(now, max(next_request_at, available_at))

    async def _may_use_reserve(
        self, reservation: Reservation, verification: PhoneVerification, available_at: datetime
    ) -> bool:
        """Return whether the other parts have no permit now, and the reserve may be used.

        It is for an established identity only.
        """
        now, identity_id = reservation.acquired_at, verification.identity_id
        if available_at <= now or identity_id is None:
            return False
        if reservation == reservation.without(RESERVE):
            return False
        identity = await self.identities.load(identity_id)
        return identity is not None and identity.value.is_established(now)

    def route(self, phone: PhoneNumber, client_ip: HashedClientIp) -> DeliveryRoute:
        """Return where a delivery comes from and goes to."""
        return DeliveryRoute(
            client_ip,
            phone.country,
            self.keyed_hashes.hash_number_range(phone.number_range),
            self.codes.phone_key(phone),
        )

"""When a delivery or callback is allowed, and its permits of limits that many phones share."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from application.limits.limit_alerts import LimitAlerts
from application.limits.restrictions import (
    FindNumberBlock,
    FindRestriction,
    RestrictedClient,
    join_restrictions,
)
from application.otp.codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.limits import LimitStore
from domain.otp.attempts import OtpAttempt
from domain.otp.callbacks import Callback
from domain.otp.challenge import Purpose
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
    Restriction,
    for_phone_change,
)
from domain.otp.sliding_window import whole_seconds
from domain.otp.test_otps import TEST_OTP_POLICY
from domain.phone import PhoneNumber


@dataclass(slots=True)
class DeliveryLimiter:
    """When a delivery is allowed, and its permits.

    - The reserve is used after the ordinary parts, and the part for proofs last.
    - Features add to `restrictions`, and set `find_number_block`.
    """

    limit_store: LimitStore
    identities: Identities
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
            client_ip: The IP of the request, for what restricts a client.
        """
        of_identity: tuple[RateLimit, ...] = ()
        if isinstance(request, OtpRequest) and request.new_challenge.identity_id is not None:
            of_identity = for_phone_change(request.new_challenge.identity_id)
        watched = self.limits.for_failed_attempt(request.client_ip, phone.country)
        if self.codes.is_test_phone(phone, now):
            # No message is sent, so no permit of a country or in total is needed.
            of_ip = self.limits.for_ip(request.client_ip)
            return Reservation(now, (*of_ip, *of_identity), watched=watched)
        self.alerts.measure_limits.see(phone.country)
        if isinstance(request, OtpRequest) and request.is_by_operator:
            watched = self.limits.for_failed_attempts(phone.country)
            reservation = self.limits.reserve_operator_code(now, phone.country, channel)
            return replace(reservation, watched=watched)
        recognition = verification.recognize(request)
        reservation = self.reserve_delivery(
            phone, request.client_ip, now, recognition, channel, client_ip
        )
        if _purpose_of(request) is Purpose.UNDO_PHONE_CHANGE:
            # Nothing is sent without a hold, and nobody can tell whether there is one.
            reservation = replace(reservation, restriction=None)
        return replace(reservation.with_limits(*of_identity), watched=watched)

    def reserve_delivery(
        self,
        phone: PhoneNumber,
        hashed_ip: HashedClientIp,
        now: datetime,
        recognition: Recognition,
        channel: Channel,
        client_ip: str = "",
    ) -> Reservation:
        """Return the reservation of a delivery that is for the user, by a message or a call.

        Args:
            phone: The phone.
            hashed_ip: Which IP and network are counted.
            now: The time of the reservation.
            recognition: How the client is recognized.
            channel: How the code is delivered.
            client_ip: The IP of the request; empty if it is not known.
        """
        route = self.route(phone, hashed_ip)
        reservation = self.limits.reserve_delivery(now, route, recognition, channel)
        client = RestrictedClient(phone, client_ip, recognition, now)
        return replace(reservation, restriction=self._find_restriction(client))

    async def make_callback_reservation(
        self, phone: PhoneNumber, verification: PhoneVerification, now: datetime
    ) -> Reservation:
        """Return the reservation of a callback, with both parts that it may have.

        - It watches the limits of failed attempts, from any IP.
        - Nothing restricts it if the identity of the phone is established.

        Raises:
            StorageError
        """
        self.alerts.measure_limits.see(phone.country)
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)
        reservation = self.limits.reserve_callback(now, phone.country, number_range)
        restriction = None
        if not self.codes.is_test_phone(phone, now):
            client = RestrictedClient(phone, "", Recognition.NONE, now)
            restriction = self._find_restriction(client)
        if restriction is not None and await self._is_established(verification, now):
            restriction = None
        watched = self.limits.for_failed_attempts(phone.country)
        return replace(reservation, restriction=restriction, watched=watched)

    def _find_restriction(self, client: RestrictedClient) -> Restriction | None:
        found = [find_restriction(client) for find_restriction in self.restrictions]
        return join_restrictions(each for each in found if each is not None)

    async def acquire(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> Acquisition | datetime:
        """Acquire the permits without a proof, or return when there are some.

        Raises:
            StorageError
        """
        if reservation.restriction is not None:
            return await self.next_available(reservation, verification)
        [acquired] = await self.limit_store.acquire(reservation.ordinary)
        if isinstance(acquired, Acquisition):
            return acquired
        if await self._may_use_reserve(reservation, verification, acquired):
            [acquired] = await self.limit_store.acquire(reservation.without(ATTESTED))
        return acquired

    async def acquire_with_proof(self, reservation: Reservation) -> Acquisition | datetime:
        """Acquire the permits with a proof, or return when there are some.

        It is for a reservation that was rejected without one, so the reserve has no permit for it.

        Raises:
            StorageError
        """
        [acquired] = await self.limit_store.acquire(reservation.without(RESERVE))
        return acquired

    async def next_available_with_proof(
        self, reservation: Reservation, client_ip: HashedClientIp
    ) -> datetime | None:
        """Return when a proof of this IP would be checked, and get the permits.

        It is None if there is no part for proofs, and if no proof ends what restricts the client.

        Raises:
            StorageError
        """
        if reservation.restriction is not None and not reservation.ends_with_proof:
            return None
        with_proof = reservation.without(RESERVE)
        if with_proof == reservation.ordinary and not reservation.ends_with_proof:
            return None
        checks = self.limits.for_attestation(client_ip)
        return await self.limit_store.next_available(with_proof.with_limits(*checks))

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

    async def acquire_leaving_message(self, phone: PhoneNumber, now: datetime) -> Permits | None:
        """Acquire the permits of a message that says how to leave; None if there are none.

        Raises:
            StorageError
        """
        limits = self.limits.for_leaving_message(self.codes.phone_key(phone), phone.country)
        [acquired] = await self.limit_store.acquire(Reservation(now, limits))
        return Permits(acquired.acquired_at) if isinstance(acquired, Acquisition) else None

    async def settle_leaving_message(
        self, phone: PhoneNumber, permits: Permits, outcome: Outcome
    ) -> None:
        """Release what a message that says how to leave gives back."""
        phone_key = self.codes.phone_key(phone)
        released = self.limits.settle_leaving_message(phone_key, phone.country, permits, outcome)
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
            released = self.limits.settle(route, delivery.permits, outcome, identity_id)
            await self.release(released)

    async def settle_callback(
        self, phone: PhoneNumber, callback: Callback, outcome: Outcome
    ) -> None:
        """Release what a callback gives back."""
        if callback.permits is not None:
            number_range = self.keyed_hashes.hash_number_range(phone.number_range)
            released = self.limits.settle_callback(
                phone.country, number_range, callback.permits, outcome
            )
            await self.release(released)

    async def next_available(
        self, reservation: Reservation, verification: PhoneVerification
    ) -> datetime:
        """Return when there are permits without a proof.

        That is the time of the reservation, the end of its restriction, or later if a limit is full
        then.

        Raises:
            StorageError
        """
        reservation = reservation.lift_restriction()
        available_at = await self.limit_store.next_available(reservation.ordinary)
        if await self._may_use_reserve(reservation, verification, available_at):
            return await self.limit_store.next_available(reservation.without(ATTESTED))
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
        if reservation.ends_with_proof:
            # This client has got a code, so it can make a proof if one is needed.
            reservation = replace(reservation, restriction=None)
        available_at = await self.next_available(reservation, verification)
        next_request_at = verification.next_request_at(attempt, self.policy(phone, now), now)
        return whole_seconds(now, max(next_request_at, available_at))

    async def _may_use_reserve(
        self, reservation: Reservation, verification: PhoneVerification, available_at: datetime
    ) -> bool:
        """Return whether the other parts have no permit now, and the reserve may be used.

        It is for an established identity only.
        """
        now = reservation.acquired_at
        if available_at <= now or reservation == reservation.without(RESERVE):
            return False
        return await self._is_established(verification, now)

    async def _is_established(self, verification: PhoneVerification, now: datetime) -> bool:
        if verification.identity_id is None:
            return False
        identity = await self.identities.load(verification.identity_id)
        return identity is not None and identity.value.is_established(now)

    def route(self, phone: PhoneNumber, client_ip: HashedClientIp) -> DeliveryRoute:
        """Return where a delivery comes from and goes to."""
        return DeliveryRoute(
            client_ip,
            phone.country,
            self.keyed_hashes.hash_number_range(phone.number_range),
            self.codes.phone_key(phone),
        )


def _purpose_of(request: OtpRequest | OtpAttempt) -> Purpose:
    return request.new_challenge.purpose if isinstance(request, OtpRequest) else request.purpose

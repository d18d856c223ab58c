"""When a delivery is allowed, and its permits of limits that many phones share."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.limits.blocks import FindNetworkBlock, FindNumberBlock
from application.limits.limit_alerts import LimitAlerts
from application.otp_codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.limits import LimitStore
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import CodeCheck
from domain.otp.delivery import Delivery
from domain.otp.delivery_policy import DeliveryPolicy, Limitation
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Outcome, Part, Permits, Recognition
from domain.otp.rate_limits import DeliveryRoute, LimitName, RateLimit, RateLimits
from domain.otp.rejection import PROOF_REQUIRED
from domain.otp.sliding_window import whole_seconds
from domain.otp.test_otps import TEST_OTP_POLICY
from domain.phone import PhoneNumber

PROOF_RETRY_PERIOD: Final = timedelta(hours=1)
"""When a stranger that makes no proof may ask again: an operator may have switched it off."""


@dataclass(frozen=True, slots=True)
class NoPermits:
    """There are no permits before this time, because of one of these limits.

    Without a limit the client needs a proof.
    """

    until: datetime
    limits: Sequence[RateLimit] = ()


@dataclass(slots=True)
class DeliveryLimiter:
    """When a delivery is allowed, and its permits.

    Features set whether strangers get permits for a proof only, and what finds blocks.
    """

    limit_store: LimitStore
    codes: OtpCodes
    keyed_hashes: KeyedHashes
    limits: RateLimits
    delivery_policy: DeliveryPolicy
    alerts: LimitAlerts
    asks_strangers: bool = False
    find_number_block: FindNumberBlock = lambda _phone, _now: None
    find_network_block: FindNetworkBlock = lambda _client_ip, _now: None

    def policy(self, phone: PhoneNumber, now: datetime) -> DeliveryPolicy:
        """Return the policy of deliveries to this phone."""
        is_test_phone = self.codes.is_test_phone(phone, now)
        return TEST_OTP_POLICY if is_test_phone else self.delivery_policy

    def route(
        self,
        phone: PhoneNumber,
        client_ip: HashedClientIp,
        *,
        is_call: bool = False,
        identity_id: str | None = None,
    ) -> DeliveryRoute:
        """Return where a delivery comes from and goes to."""
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)
        phone_key = self.codes.phone_key(phone)
        return DeliveryRoute(
            client_ip, phone.country, number_range, phone_key, is_call, identity_id
        )

    def tries(
        self, route: DeliveryRoute, parts: Sequence[Part]
    ) -> Sequence[tuple[Part, Sequence[RateLimit]]]:
        """Return the limits of a delivery in each of these parts."""
        return [(part, self.limits.of_delivery(route, part)) for part in parts]

    def parts(self, recognition: Recognition, *, has_proof: bool = False) -> Sequence[Part]:
        """Return the parts that a client may use, in the order in which it tries them."""
        if recognition is not Recognition.NONE:
            parts = [Part.RECOGNIZED, Part.STRANGERS]
        elif self.asks_strangers and not has_proof:
            parts = []
        else:
            parts = [Part.STRANGERS]
        return [*parts, Part.ATTESTED] if has_proof else parts

    async def acquire(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        recognition: Recognition,
        *,
        has_proof: bool = False,
    ) -> Permits | NoPermits:
        """Acquire the permits of what a request causes, or return when there are some.

        Raises:
            StorageError
        """
        parts = self.parts(recognition, has_proof=has_proof)
        if request.is_test:
            parts = [Part.TEST_PHONE]
        else:
            self.alerts.measure_limits.see(phone.country)
        tries = self.tries(self._route_of(phone, request), parts)
        available_at = []
        for part, limits in tries:
            until = await self.limit_store.acquire(limits, request.now)
            if until is None:
                return Permits(request.now, part)
            available_at.append(until)
        if not tries:
            return NoPermits(request.now + PROOF_RETRY_PERIOD)
        # The first part is the one for this client.
        return NoPermits(min(available_at), tries[0][1])

    async def next_available(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        recognition: Recognition,
        *,
        has_proof: bool = False,
    ) -> datetime:
        """Return when there are permits of what a request causes: now, or later.

        Raises:
            StorageError
        """
        parts = self.parts(recognition, has_proof=has_proof)
        route = self._route_of(phone, request)
        return await self._next_available(
            route, [Part.TEST_PHONE] if request.is_test else parts, request.now
        )

    async def acquire_check_of_proof(
        self, client_ip: HashedClientIp, now: datetime
    ) -> datetime | None:
        """Acquire the permit to check a proof of this IP; return None, or when there is one.

        Raises:
            StorageError
        """
        return await self.limit_store.acquire(self.limits.for_attestation(client_ip), now)

    async def next_check_of_proof(self, client_ip: HashedClientIp, now: datetime) -> datetime:
        """Return when a proof of this IP would be checked.

        Raises:
            StorageError
        """
        return await self.limit_store.next_available(self.limits.for_attestation(client_ip), now)

    async def name_limit(self, rejected: NoPermits, now: datetime) -> LimitName:
        """Return the name of the limit that is used up, and warn of shared ones."""
        if not rejected.limits:
            return LimitName(PROOF_REQUIRED, "")
        return await self.alerts.name_used_limit(rejected.limits, now)

    async def release(self, phone: PhoneNumber, request: OtpRequest, permits: Permits) -> None:
        """Release permits that nothing holds. Where that fails they expire."""
        await self._give_back(self._route_of(phone, request), permits, Outcome.NO_CONNECTION)

    async def settle(
        self,
        phone: PhoneNumber,
        delivery: Delivery,
        outcome: Outcome,
        identity_id: str | None = None,
    ) -> None:
        """Release what a delivery gives back. Where that fails it expires.

        Args:
            phone: The phone.
            delivery: The delivery, before the update that cleared its permits.
            outcome: What became of it.
            identity_id: The identity whose code it carried, if only that may use it. After a login
                it does not matter.
        """
        if delivery.permits is not None:
            is_call = delivery.call_id is not None
            route = self.route(phone, delivery.client_ip, is_call=is_call, identity_id=identity_id)
            await self._give_back(route, delivery.permits, outcome)

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
        times = [wait.until]
        if self.codes.is_test_phone(phone, now):
            parts: Sequence[Part] = [Part.TEST_PHONE]
        else:
            # This client has got a code, so it can make a proof if one is needed.
            parts = self.parts(check.recognized.recognition) or [Part.STRANGERS]
            times.append(self.find_network_block(client_ip, now) or now)
        route = self.route(phone, attempt.client_ip)
        times.append(await self._next_available(route, parts, now))
        return whole_seconds(now, max(times))

    def _route_of(self, phone: PhoneNumber, request: OtpRequest) -> DeliveryRoute:
        is_call, identity_id = request.new_call_id is not None, request.identity_id
        return self.route(phone, request.client_ip, is_call=is_call, identity_id=identity_id)

    async def _next_available(
        self, route: DeliveryRoute, parts: Sequence[Part], now: datetime
    ) -> datetime:
        tries = self.tries(route, parts)
        times = await asyncio.gather(
            *(self.limit_store.next_available(limits, now) for _, limits in tries)
        )
        return min(times, default=now + PROOF_RETRY_PERIOD)

    async def _give_back(self, route: DeliveryRoute, permits: Permits, outcome: Outcome) -> None:
        limits = self.limits.given_back(route, permits.part, outcome)
        if limits:
            with suppress(StorageError):
                await self.limit_store.release(limits, permits.acquired_at)

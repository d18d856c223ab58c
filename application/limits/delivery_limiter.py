"""Decide when a delivery is allowed, and acquire its permits of shared limits."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.code_derivation import CodeDerivation
from application.limits.additions import LimitAdditions
from application.limits.limit_alerts import LimitAlerts
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.limits import LimitStore
from domain.otp.compared_code import ComparedCode
from domain.otp.delivery import Delivery, HashedClientIp
from domain.otp.delivery_policy import PROOF_REQUIRED, DeliveryPolicy, Limitation
from domain.otp.fixed_codes import FIXED_CODE_POLICY
from domain.otp.permits import Clients, Outcome, Permits, Recognition
from domain.otp.rate_limits import DeliveryRoute, LimitName, RateLimit, RateLimits
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber

PROOF_RETRY_PERIOD: Final = timedelta(hours=1)
"""Delay until a stranger without a proof may ask again: an operator may have switched it off."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """There are no permits before this time, because of one of these limits.

    Without a limit the client needs a proof.
    """

    until: datetime
    limits: Sequence[RateLimit] = ()


@dataclass(slots=True)
class DeliveryLimiter:
    """Decide when a delivery is allowed, and acquire its permits."""

    limit_store: LimitStore
    codes: CodeDerivation
    keyed_hashes: KeyedHashes
    limits: RateLimits
    delivery_policy: DeliveryPolicy
    alerts: LimitAlerts
    additions: LimitAdditions

    def policy(self, *, has_fixed_code: bool) -> DeliveryPolicy:
        return FIXED_CODE_POLICY if has_fixed_code else self.delivery_policy

    def permits_of(
        self,
        phone: PhoneNumber,
        client_ip: HashedClientIp,
        recognition: Recognition,
        now: datetime,
        *,
        has_fixed_code: bool,
        is_call: bool = False,
        bound_to: str | None = None,
        session_id: str | None = None,
    ) -> "RequestPermits":
        route = self._route(phone, client_ip, is_call, bound_to, session_id)
        return RequestPermits(self, route, recognition, now, has_fixed_code)

    def clients_of(self, recognition: Recognition, *, has_proof: bool = False) -> Sequence[Clients]:
        """Return whose limits a client tries, in their order.

        With a proof these are what it did not try without one.
        """
        if recognition is Recognition.VERIFICATION:
            return (Clients.VERIFICATION,)
        is_stranger = recognition is Recognition.NONE
        if is_stranger and self.additions.asks_strangers:
            return (Clients.STRANGERS, Clients.ATTESTED) if has_proof else ()
        if has_proof:
            return (Clients.ATTESTED,)
        if is_stranger:
            return (Clients.STRANGERS,)
        return (Clients.RECOGNIZED, Clients.STRANGERS)

    async def acquire_check_of_proof(
        self, client_ip: HashedClientIp, now: datetime
    ) -> datetime | None:
        """Acquire the permit to check a proof of this IP; return None, or when there is one."""
        return await self.limit_store.acquire(self.limits.for_proof(client_ip), now)

    async def next_check_of_proof(self, client_ip: HashedClientIp, now: datetime) -> datetime:
        """Return when a proof of this IP would be checked."""
        return await self.limit_store.next_available(self.limits.for_proof(client_ip), now)

    async def name_limit(self, rejected: LimitReached, now: datetime) -> LimitName:
        """Return the name of the limit that is used up, and warn of shared ones."""
        if not rejected.limits:
            return LimitName(PROOF_REQUIRED, "")
        return await self.alerts.name_used_limit(rejected.limits, now)

    async def settle(
        self,
        phone: PhoneNumber,
        delivery: Delivery,
        outcome: Outcome,
        bound_to: str | None = None,
        session_id: str | None = None,
    ) -> None:
        """Release the permits that a delivery does not keep. If that fails, they expire.

        The delivery is that from before the update that cleared its permits. `bound_to` is the
        identity or token that its code was bound to, and `session_id` the session that requested
        it; after a login they do not matter.
        """
        permits, is_call = delivery.permits, delivery.call_id is not None
        if permits is None:
            return
        route = self._route(phone, delivery.client_ip, is_call, bound_to, session_id)
        limits = self.limits.to_release(route, permits.clients, outcome)
        if limits:
            with suppress(StorageError):
                await self.limit_store.release(limits, permits.acquired_at)

    async def resend_in(self, phone: PhoneNumber, compared: ComparedCode, client_ip: str) -> int:
        """Return when a new code can be requested by a message: whole seconds from the attempt on.

        - It is exact only for a client that has a valid request id or device token of this phone,
          and where strangers get no messages because of failed attempts.
        - All others get the default cooldown, which is the same for every phone: it does not reveal
          whether somebody requests codes.
        """
        attempt, now = compared.attempt, compared.attempt.now
        recognized, has_fixed_code = compared.recognized, self.codes.has_fixed_code(phone, now)
        policy = self.policy(has_fixed_code=has_fixed_code)
        wait = compared.state.find_wait(attempt.client_ip, recognized, policy, now)
        if wait.limitation is Limitation.FAILED_ATTEMPTS:
            return whole_seconds(now, wait.until)
        if not compared.has_own_attempts:
            return whole_seconds(now, now + self.delivery_policy.cooldown)
        permits = self.permits_of(
            phone,
            attempt.client_ip,
            recognized.recognition,
            now,
            has_fixed_code=has_fixed_code,
            bound_to=attempt.bound_to,
        )
        # A stranger that needs a proof has made one for the code that it got.
        available_at = await permits.next_available(now, has_proof=not permits.clients())
        blocked_until = (
            None if has_fixed_code else self.additions.find_network_block(client_ip, now)
        )
        return whole_seconds(now, max(wait.until, available_at, blocked_until or now))

    def _route(
        self,
        phone: PhoneNumber,
        client_ip: HashedClientIp,
        is_call: bool,
        bound_to: str | None,
        session_id: str | None,
    ) -> DeliveryRoute:
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)
        phone_key = self.codes.phone_key(phone)
        return DeliveryRoute(
            client_ip, phone.country, number_range, phone_key, is_call, bound_to, session_id
        )


@dataclass(slots=True)
class RequestPermits:
    """The permits that a request may acquire of limits that many phones share.

    The limits of each kind of clients are made once, however often the request is decided on.
    """

    limiter: DeliveryLimiter
    route: DeliveryRoute
    recognition: Recognition
    now: datetime
    has_fixed_code: bool
    _limits: dict[Clients, Sequence[RateLimit]] = field(default_factory=dict)

    def clients(self, *, has_proof: bool = False) -> Sequence[Clients]:
        """Return whose limits the client tries; a phone with a fixed code has its own."""
        if self.has_fixed_code:
            return (Clients.FIXED_CODE,)
        return self.limiter.clients_of(self.recognition, has_proof=has_proof)

    def limits_of(self, clients: Clients) -> Sequence[RateLimit]:
        if clients not in self._limits:
            self._limits[clients] = self.limiter.limits.of_delivery(self.route, clients)
        return self._limits[clients]

    async def acquire(self, *, has_proof: bool = False) -> Permits | LimitReached:
        """Acquire the permits of one kind of clients, or return when the first has some."""
        if not self.has_fixed_code:
            self.limiter.alerts.measure_limits.see(self.route.country)
        rejected = []
        for clients in self.clients(has_proof=has_proof):
            limits = self.limits_of(clients)
            until = await self.limiter.limit_store.acquire(limits, self.now)
            if until is None:
                return Permits(self.now, clients)
            rejected.append(LimitReached(until, limits))
        none = LimitReached(self.now + PROOF_RETRY_PERIOD)
        return min(rejected, key=lambda each: each.until, default=none)

    async def next_available(self, now: datetime, *, has_proof: bool = False) -> datetime:
        """Return when there are permits: now, or later."""
        store, tried = self.limiter.limit_store, self.clients(has_proof=has_proof)
        times = await asyncio.gather(
            *(store.next_available(self.limits_of(clients), now) for clients in tried)
        )
        return min(times, default=now + PROOF_RETRY_PERIOD)

    async def release(self, permits: Permits) -> None:
        """Release permits that no delivery holds. If that fails, they expire."""
        with suppress(StorageError):
            await self.limiter.limit_store.release(
                self.limits_of(permits.clients), permits.acquired_at
            )

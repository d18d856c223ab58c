"""The limits of one phone: why it gets no code, and how operators reset them."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from application.code_derivation import CodeDerivation
from application.limits.delivery_limiter import PROOF_RETRY_PERIOD, DeliveryLimiter, RequestPermits
from application.otp.events import LimitsReset
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.errors import InvalidValue, LimitsResetBefore, PhoneBlocked
from domain.otp.delivery import HashedClientIp
from domain.otp.delivery_policy import Limitation, Wait
from domain.otp.permits import Recognition
from domain.otp.phone_limits import (
    NotServed,
    NotServedReason,
    VerificationState,
    find_active_code,
)
from domain.otp.phone_verification import STRANGER, PhoneVerification, RecognizedClient
from domain.phone import PhoneNumber, PhoneRules

_UNKNOWN_CLIENT: Final = "the client of an operator's question"
"""In the place of an IP and a device: no client has it."""
_KNOWN_CLIENT: Final = RecognizedClient(Recognition.DEVICE, _UNKNOWN_CLIENT)
_LIMITATIONS: Final[Mapping[str, Limitation]] = {
    "ip": Limitation.PER_IP,
    "network": Limitation.PER_NETWORK,
    "range": Limitation.PER_NUMBER_RANGE,
    "phone": Limitation.PER_PHONE,
    "country": Limitation.PER_COUNTRY,
    "total": Limitation.TOTAL,
}
_ORDER: Final = [*_LIMITATIONS.values()]


@dataclass(frozen=True, slots=True)
class DescribeVerification:
    """Say when a phone can get the next message, and what it waits for. Nothing is changed.

    The limits of an IP and a network are those of the client that caused the latest delivery. Other
    clients may have more or less left.
    """

    phone_verifications: PhoneVerifications
    delivery_limiter: DeliveryLimiter
    codes: CodeDerivation
    keyed_hashes: KeyedHashes
    clock: Clock
    countries: Collection[str] | None
    phone_rules: PhoneRules

    async def __call__(self, phone: PhoneNumber) -> VerificationState:
        now = self.clock.now()
        verification = (await self.phone_verifications.load(phone)).value.prune(now)
        has_fixed_code = self.codes.has_fixed_code(phone, now)
        deliveries = verification.deliveries.all
        client_ips = [each.client_ip for each in deliveries if not each.client_ip.is_named]
        unknown_ip = self.keyed_hashes.hash_client_ip(_UNKNOWN_CLIENT)
        client_ip = client_ips[-1] if client_ips else unknown_ip
        unknown, known = await asyncio.gather(
            *(
                self._find_wait(
                    phone, verification, client_ip, now, client, has_fixed_code=has_fixed_code
                )
                for client in (STRANGER, _KNOWN_CLIENT)
            )
        )
        code_expires_at, attempts_left = find_active_code(verification, now)
        return VerificationState(
            blocked_since=verification.blocked_at,
            not_served=self._why_not_served(
                phone, verification, now, has_fixed_code=has_fixed_code
            ),
            next_message=unknown,
            next_message_to_known=known,
            code_expires_at=code_expires_at,
            attempts_left=attempts_left,
            attempts_of_next=verification.attempts_of_next_delivery,
            failures_in_a_row=verification.failures.in_a_row,
            resets_left=verification.resets_left,
            deliveries=deliveries[::-1],
            rejections=verification.rejections[::-1],
            keeps_rejections=verification != PhoneVerification(),
        )

    def _why_not_served(
        self,
        phone: PhoneNumber,
        verification: PhoneVerification,
        now: datetime,
        *,
        has_fixed_code: bool,
    ) -> NotServed | None:
        if has_fixed_code:
            return NotServed(NotServedReason.FIXED_CODE)
        if self.countries is not None and phone.country not in self.countries:
            return NotServed(NotServedReason.COUNTRY, phone.country)
        if block := self.delivery_limiter.additions.find_number_block(phone, now):
            return NotServed(NotServedReason.BLOCK, block.explanation)
        try:
            self.phone_rules.check(phone)
        except InvalidValue as error:
            return NotServed(NotServedReason.PHONE_TYPE, error.message.rstrip("."))
        return NotServed(NotServedReason.PHONE_BLOCKED) if verification.gets_no_messages else None

    async def _find_wait(
        self,
        phone: PhoneNumber,
        verification: PhoneVerification,
        client_ip: HashedClientIp,
        now: datetime,
        client: RecognizedClient,
        *,
        has_fixed_code: bool,
    ) -> Wait:
        limiter = self.delivery_limiter
        policy = limiter.policy(has_fixed_code=has_fixed_code)
        own = verification.find_wait(client_ip, client, policy, now)
        permits = limiter.permits_of(
            phone, client_ip, client.recognition, now, has_fixed_code=has_fixed_code
        )
        if has_fixed_code or own.limitation is Limitation.FAILED_ATTEMPTS:
            return own
        shared = await self._find_shared_wait(permits, now)
        return max(own, shared, key=lambda wait: wait.until)

    async def _find_shared_wait(self, permits: RequestPermits, now: datetime) -> Wait:
        store, tried = self.delivery_limiter.limit_store, permits.clients()
        if not tried:
            return Wait(now + PROOF_RETRY_PERIOD, Limitation.PROOF_REQUIRED)
        # The IP is not known, so no block of a network is found.
        of_clients = [permits.limits_of(clients) for clients in tried]
        ends = await asyncio.gather(*(store.next_available(limits, now) for limits in of_clients))
        until, limits = min(zip(ends, of_clients, strict=True), key=lambda each: each[0])
        if until <= now:
            return Wait(now)
        of_each = await asyncio.gather(*(store.next_available([limit], now) for limit in limits))
        # Of several that end last, the one that most phones share.
        used_up = [
            _LIMITATIONS[limit.subject_kind]
            for limit, at in zip(limits, of_each, strict=True)
            if at >= until
        ]
        return Wait(until, max(used_up, key=_ORDER.index, default=Limitation.TOTAL))


class ResetResult(NamedTuple):
    """How often a reset is possible today after this one, and what the next message brings."""

    resets_left: int
    attempts: int


@dataclass(frozen=True, slots=True)
class ResetLimits:
    """Let a phone get a code again: its cooldown and its deliveries no longer count.

    - The wait after failed attempts ends. Of those in a row at most 50 stay: with them a message
      brings a stranger one attempt.
    - Devices and IPs that failed too often are recognized again.
    - Limits that many phones share stay as they are.
    - A phone can be reset twice a day. A blocked number without an account is not reset: it would
      get no message.
    """

    phone_verifications: PhoneVerifications
    clock: Clock
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber, expected_left: int | None = None) -> ResetResult:
        """Reset the limits.

        `expected_left` is how often a reset was possible when somebody decided on this one, so that
        a form that is sent twice resets once.
        """

        def reset(verification: PhoneVerification) -> tuple[PhoneVerification, ResetResult]:
            successor = self._reset(verification, expected_left)
            return successor, ResetResult(
                successor.resets_left, successor.attempts_of_next_delivery
            )

        result = await change(self.phone_verifications, phone, reset)
        self.events.record(LimitsReset(phone=phone))
        return result

    async def check(self, phone: PhoneNumber, expected_left: int | None = None) -> None:
        """Check that a reset is possible now; see `__call__`."""
        self._reset((await self.phone_verifications.load(phone)).value, expected_left)

    def _reset(
        self, verification: PhoneVerification, expected_left: int | None
    ) -> PhoneVerification:
        now = self.clock.now()
        if verification.gets_no_messages:
            raise PhoneBlocked
        pruned = verification.prune(now)
        if expected_left not in (None, pruned.resets_left):
            raise LimitsResetBefore
        return pruned.reset_limits(now)

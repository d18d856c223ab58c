"""Call a caller back with a code."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from application.otp.codes import CHALLENGE_BYTES, OtpCodes
from application.otp.permits import release_permits
from application.otp.place_code_call import PlaceCodeCall, PlaceCodeCallCommand
from application.ports.errors import StorageError
from application.ports.messenger import DeliveryStatus
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.errors import InvalidValue, TooManyOtpRequests
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.otp.callback import CallbackDecision, CallbackPolicy, CallbackRequest
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import RateLimits, Reservation
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber, PhoneRules


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCallback:
    """Call a phone to read a sign-in code, because somebody asked for it with this caller id.

    - A caller id is a claim: strangers can cause calls. So callbacks have limits, challenges and
      attempts of their own, and use up nothing of the app's.
    - The limits of the phone decide first, then that of the country. A rejected callback writes
      nothing.
    - The callback is recorded before the call is placed, so no race places one too many.
    - A call that the provider rejects does not count. One with an unknown result counts.
    - A blocked phone gets the same counting and the same result, and no call.
    - Nothing is placed for a test phone.
    """

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    codes: OtpCodes
    place_code_call: PlaceCodeCall | None
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    callback_policy: CallbackPolicy
    rate_limits: RateLimits
    phone_rules: PhoneRules

    async def __call__(
        self, phone: PhoneNumber, identity_id: str | None, locale: str | None = None
    ) -> bool:
        """Request a callback, and return whether the phone is called back.

        Args:
            phone: the caller id.
            identity_id: the identity of the phone, if it has one. The call is in its call log.
            locale: the locale that the caller chose, if any.

        Raises:
            StorageError
        """
        now = self.clock.now()
        is_test_phone = self.codes.is_test_phone(phone, now)
        if self.place_code_call is None:
            return self._reject(phone, "there is no phone line")
        if not is_test_phone and (reason := self._find_reason_to_reject(phone)):
            return self._reject(phone, reason)
        failed_attempts = self.rate_limits.for_failed_attempts(phone.country)
        loaded, limited_until = await asyncio.gather(
            self.phone_verifications.load(phone),
            self.rate_limiter.next_available(Reservation("", now, failed_attempts)),
        )
        request = CallbackRequest(
            now,
            self.codes.make_challenge(now, self.randomness.bytes(CHALLENGE_BYTES)),
            make_identifier(now, self.randomness.bytes(RANDOM_BYTES)),
            is_limited=limited_until > now,
        )
        reservation = Reservation(
            request.call_id, now, self.rate_limits.for_callback(phone.country)
        )
        try:
            decision = await self._reserve_callback(phone, request, reservation, loaded)
        except TooManyOtpRequests:
            return self._reject(phone, "too many callbacks")
        self._emit(SecurityEventType.CALLBACK_REQUESTED, phone)
        if is_test_phone:
            self._emit(SecurityEventType.TEST_OTP_USED, phone, "requested")
            return True
        command = PlaceCodeCallCommand(
            phone=phone,
            call_id=request.call_id,
            challenge_id=decision.callback.challenge.id,
            identity_id=identity_id,
            is_suppressed=decision.is_suppressed,
            locale=locale,
        )
        return await self._place(self.place_code_call, command, reservation)

    def _find_reason_to_reject(self, phone: PhoneNumber) -> str:
        if self.countries is not None and phone.country not in self.countries:
            return "the country is not served"
        try:
            self.phone_rules.check(phone)
        except InvalidValue:
            return "the kind of the number"
        return ""

    async def _reserve_callback(
        self,
        phone: PhoneNumber,
        request: CallbackRequest,
        reservation: Reservation,
        loaded: Versioned[PhoneVerification],
    ) -> CallbackDecision:
        """Record the callback and acquire its permit.

        Raises:
            TooManyOtpRequests
            StorageError
        """

        def decide(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, CallbackDecision]:
            kept = verification.drop_challenges_without_key(self.codes.has_key)
            return kept.request_callback(request, self.callback_policy)

        decide(loaded.value)
        available_at = await self.rate_limiter.acquire(reservation)
        if available_at is not None:
            raise TooManyOtpRequests(whole_seconds(request.now, available_at))
        try:
            return await update_phone_verification(self.phone_verifications, phone, decide, loaded)
        except BaseException:  # a cancellation, too
            await release_permits(self.rate_limiter, reservation)
            raise

    async def _place(
        self, place_code_call: PlaceCodeCall, command: PlaceCodeCallCommand, reserved: Reservation
    ) -> bool:
        try:
            result = await place_code_call(command)
        except StorageError:
            await self._cancel(command, reserved)
            raise
        match result.status:
            case DeliveryStatus.ACCEPTED | DeliveryStatus.UNKNOWN:
                event_type = (
                    SecurityEventType.OTP_SUPPRESSED
                    if command.is_suppressed
                    else SecurityEventType.OTP_DELIVERED
                )
                self._emit(event_type, command.phone, result.reason)
                return True
            case DeliveryStatus.INVALID_NUMBER | DeliveryStatus.REJECTED:
                await self._cancel(command, reserved)
                return self._reject(command.phone, result.reason)

    async def _cancel(self, command: PlaceCodeCallCommand, reservation: Reservation) -> None:
        """Undo the callback and release its permit. Where that fails both expire."""

        def cancel(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            return verification.cancel_callback(command.call_id), None

        with suppress(StorageError):
            await update_phone_verification(self.phone_verifications, command.phone, cancel)
        await release_permits(self.rate_limiter, reservation)

    def _reject(self, phone: PhoneNumber, reason: str) -> bool:
        self._emit(SecurityEventType.OTP_REQUEST_REJECTED, phone, reason)
        return False

    def _emit(self, event_type: SecurityEventType, phone: PhoneNumber, reason: str = "") -> None:
        self.events.emit(SecurityEvent(event_type, phone=phone, reason=reason or None))

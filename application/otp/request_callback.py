"""Call a caller back with a code."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from application.otp.codes import CHALLENGE_BYTES, OtpCodes
from application.otp.permits import release_permits
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvents, SecurityEventType
from application.ports.system import Clock, Randomness
from application.update import update_phone_verification
from domain.errors import InvalidValue, TooManyOtpRequests
from domain.otp.callback import Callback
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import RateLimits, Reservation
from domain.phone import PhoneNumber, PhoneRules


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCallback:
    """Promise a call that reads a sign-in code, because somebody asked for it with this caller id.

    - A caller id is a claim: strangers can cause calls. So callbacks have limits, challenges and
      attempts of their own, and use up nothing of the app's.
    - The limits of the phone decide first, then that of the country. A rejected callback writes
      nothing.
    - The callback is recorded before the call is placed, so no race places one too many.
    - A blocked phone gets the same counting and the same result.
    """

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    codes: OtpCodes
    has_phone_line: bool
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    rate_limits: RateLimits
    phone_rules: PhoneRules

    async def __call__(self, phone: PhoneNumber, callback_id: str) -> bool:
        """Record a callback, and return whether the phone is to be called back.

        Args:
            phone: the caller id.
            callback_id: the id of the callback and of its call, which `PlaceCallback` places.

        Raises:
            StorageError
        """
        now = self.clock.now()
        is_test_phone = self.codes.is_test_phone(phone, now)
        if not self.has_phone_line:
            return self._reject(phone, "there is no phone line")
        if not is_test_phone and (reason := self._find_reason_to_reject(phone)):
            return self._reject(phone, reason)
        failed_attempts = self.rate_limits.for_failed_attempts(phone.country)
        loaded, limited_until = await asyncio.gather(
            self.phone_verifications.load(phone),
            self.rate_limiter.next_available(Reservation("", now, failed_attempts)),
        )
        challenge = self.codes.make_challenge(now, self.randomness.bytes(CHALLENGE_BYTES))
        reservation = Reservation(callback_id, now, self.rate_limits.for_callback(phone.country))

        def decide(verification: PhoneVerification) -> tuple[PhoneVerification, Callback]:
            return verification.request_callback(
                now, callback_id, challenge, self.codes.key_ids(), is_limited=limited_until > now
            )

        try:
            decide(loaded.value)
            if await self.rate_limiter.acquire(reservation) is not None:
                return self._reject(phone, "too many callbacks")
            try:
                await update_phone_verification(self.phone_verifications, phone, decide, loaded)
            except BaseException:  # a cancellation, too
                await release_permits(self.rate_limiter, reservation)
                raise
        except TooManyOtpRequests:
            return self._reject(phone, "too many callbacks")
        self.events.emit(SecurityEventType.CALLBACK_REQUESTED, phone=phone)
        if is_test_phone:
            self.events.emit(SecurityEventType.TEST_OTP_USED, phone=phone, reason="requested")
        return True

    def _find_reason_to_reject(self, phone: PhoneNumber) -> str:
        if self.countries is not None and phone.country not in self.countries:
            return "the country is not served"
        try:
            self.phone_rules.check(phone)
        except InvalidValue:
            return "the kind of the number"
        return ""

    def _reject(self, phone: PhoneNumber, reason: str) -> bool:
        self.events.emit(SecurityEventType.OTP_REQUEST_REJECTED, phone=phone, reason=reason)
        return False

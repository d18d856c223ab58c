"""Place the call of a callback."""

from contextlib import suppress
from dataclasses import dataclass

from application.otp.codes import OtpCodes
from application.otp.permits import release_permits
from application.otp.place_code_call import PlaceCodeCall
from application.ports.calls import Calls
from application.ports.errors import StorageError
from application.ports.messenger import DeliveryStatus
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvents, SecurityEventType
from application.ports.system import Clock
from application.update import update_phone_verification
from domain.otp.rate_limits import RateLimits, Reservation
from domain.phone import PhoneNumber
from domain.voice.call import Call, CallDirection


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCallback:
    """Place the call of a callback that was recorded, once, also if it is asked for repeatedly.

    - A call that the provider rejects does not count. One with an unknown result counts.
    - A blocked phone gets no call, and the result of any phone. Nothing is placed for a test phone.
    """

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    calls: Calls
    codes: OtpCodes
    place_code_call: PlaceCodeCall | None
    clock: Clock
    events: SecurityEvents
    rate_limits: RateLimits

    async def __call__(
        self,
        phone: PhoneNumber,
        callback_id: str,
        identity_id: str | None,
        locale: str | None = None,
    ) -> bool:
        """Place the call, and return False if the provider rejects it.

        Args:
            phone: the phone to call.
            callback_id: the id of the callback and of its call.
            identity_id: the identity of the phone, if it has one. The call is in its call log.
            locale: the locale that the caller chose, if any.

        Raises:
            StorageError
        """
        if self.codes.is_test_phone(phone, self.clock.now()) or self.place_code_call is None:
            return True
        verification = (await self.phone_verifications.load(phone)).value
        callback = verification.find_callback(callback_id)
        if callback is None or await self.calls.load(callback_id) is not None:
            return True
        call = Call(
            id=callback_id,
            direction=CallDirection.OUTBOUND,
            started_at=self.clock.now(),
            identity_id=identity_id,
            challenge_id=callback.challenge_id,
            locale=locale,
        )
        is_suppressed = verification.blocked_at is not None
        try:
            result = await self.place_code_call(phone, call, is_suppressed=is_suppressed)
        except StorageError:
            await self._cancel(phone, callback_id)
            raise
        event_type = SecurityEventType.OTP_DELIVERED
        is_placed = result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
        if not is_placed:
            await self._cancel(phone, callback_id)
            event_type = SecurityEventType.OTP_REQUEST_REJECTED
        elif is_suppressed:
            event_type = SecurityEventType.OTP_SUPPRESSED
        self.events.emit(event_type, phone=phone, reason=result.reason)
        return is_placed

    async def _cancel(self, phone: PhoneNumber, callback_id: str) -> None:
        """Undo the callback and release its permit. Where that fails both expire."""
        with suppress(StorageError):
            await update_phone_verification(
                self.phone_verifications,
                phone,
                lambda verification: (verification.cancel_callback(callback_id), None),
            )
        limits = self.rate_limits.for_callback(phone.country)
        reservation = Reservation(callback_id, self.clock.now(), limits)
        await release_permits(self.rate_limiter, reservation)

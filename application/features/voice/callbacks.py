"""Call a caller back with a code."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from application.features.voice.events import CallbackRequested
from application.features.voice.place_code_call import PlaceCodeCall
from application.features.voice.ports import Calls
from application.limits.delivery_limiter import DeliveryLimiter
from application.otp.deliver_code import BLOCKED, make_delivery_event
from application.otp.events import FixedOtpUsed, OtpSuppressed
from application.otp.extensions import OtpExtensions
from application.otp.provider_pause import PAUSED
from application.otp.recent_rejections import RecentRejections
from application.otp_codes import CHALLENGE_BYTES, OtpCodes
from application.ports.errors import StorageError
from application.ports.otp import DeliveryStatus, PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import NOTHING_WRITTEN, change
from domain.errors import InvalidValue, TooManyOtpRequests
from domain.features.voice.call import Call, CallDirection
from domain.otp.callbacks import Callback
from domain.otp.delivery import Channel
from domain.otp.permits import Permits
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import Acquisition, LimitName
from domain.otp.rejection import (
    COUNTRY_NOT_SERVED,
    NO_PHONE_LINE,
    NUMBER_IS_BLOCKED,
    NUMBER_NOT_SERVED,
    PROVIDER_PAUSED,
    Rejection,
)
from domain.phone import PhoneNumber, PhoneRules

_TOO_MANY: Final = "too many callbacks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Calls that read a sign-in code, because somebody asked for them with this caller id.

    - A caller id is a claim: strangers can cause calls. So callbacks have limits, challenges and
      attempts of their own, and use up nothing of the app's.
    - The limits of the phone decide first, then those of number range, country and total. Of these
      a part is for established identities only. A rejected callback writes nothing; that it was
      rejected is recorded later (`RecentRejections`).
    - The callback is recorded before the call is placed, so no race places one too many. A repeated
      request changes nothing.
    - A call with an unknown result counts. One that the provider rejects counts for an hour for
      its phone and range; if the provider is not available, for its phone only.
    - Where a client is restricted that nobody knows, only numbers of established identities are
      called back.
    - While the provider has a pause, a callback is rejected and counts nowhere.
    - A blocked phone gets no call, but the same counting and the same results. Nothing is placed
      for a test phone.

    `place_code_call` is None where there is no phone line.
    """

    phone_verifications: PhoneVerifications
    delivery_limiter: DeliveryLimiter
    calls: Calls
    codes: OtpCodes
    place_code_call: PlaceCodeCall | None
    provider: str
    rejections: RecentRejections
    extensions: OtpExtensions
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    phone_rules: PhoneRules

    async def request(self, phone: PhoneNumber, callback_id: str) -> bool:
        """Record a callback, and return whether the phone is to be called back.

        Args:
            phone: the caller id.
            callback_id: the id of the callback and of its call, which `place` places.

        Raises:
            StorageError
        """
        now = self.clock.now()
        is_test_phone = self.codes.is_test_phone(phone, now)
        if self.place_code_call is None:
            return self._reject(phone, now, "there is no phone line", NO_PHONE_LINE)
        if not is_test_phone and (problem := self._find_problem(phone, now)):
            return self._reject(phone, now, *problem)
        seconds_left = self.place_code_call.pause.seconds_left
        if not is_test_phone and seconds_left > 0:
            until = now + timedelta(seconds=seconds_left)
            return self._reject(phone, now, PAUSED.reason, PROVIDER_PAUSED, until=until)
        loaded = await self.phone_verifications.load(phone)
        if loaded.value.callbacks.find(callback_id):
            return True
        challenge = self.codes.make_challenge(now, self.randomness.bytes(CHALLENGE_BYTES))
        limiter = self.delivery_limiter

        def record(
            verification: PhoneVerification, acquired: Acquisition | None
        ) -> PhoneVerification:
            return verification.request_callback(
                now,
                callback_id,
                challenge,
                self.codes.key_ids(),
                is_limited=acquired is not None and acquired.is_watched_used_up,
                permits=Permits(acquired.acquired_at, acquired.parts) if acquired else None,
            )

        try:
            record(loaded.value, None)
            restriction = None
            if not is_test_phone:
                restriction = await limiter.find_callback_restriction(loaded.value, now)
            reservation = limiter.reserve_callback(phone, now)
            if restriction is None:
                acquired = await limiter.acquire(reservation, loaded.value)
            else:
                acquired = await limiter.next_available(reservation, loaded.value, restriction)
            if not isinstance(acquired, Acquisition):
                # A parallel request that got the last permits may have been for this callback.
                current = await self.phone_verifications.load(phone)
                if current.value.callbacks.find(callback_id):
                    return True
                name = (
                    await limiter.alerts.name_used_limit(reservation)
                    if restriction is None
                    else LimitName(restriction.name, "")
                )
                return self._reject(
                    phone,
                    now,
                    _TOO_MANY,
                    *name,
                    until=acquired,
                    has_record=current.version != 0,
                )
            if not await self._record(phone, record, loaded, acquired):
                return True  # a parallel request has recorded it
        except TooManyOtpRequests as error:
            until = now + timedelta(seconds=error.retry_after)
            return self._reject(phone, now, _TOO_MANY, "per_phone", until=until, has_record=True)
        self.events.record(CallbackRequested(phone=phone))
        if is_test_phone:
            self.events.record(FixedOtpUsed(phone=phone, reason="requested"))
        return True

    async def place(
        self,
        phone: PhoneNumber,
        callback_id: str,
        identity_id: str | None,
        locale: str | None = None,
    ) -> bool:
        """Place the call of a callback that was recorded, once, also if it is asked for repeatedly.

        Args:
            phone: the phone to call.
            callback_id: the id of the callback and of its call.
            identity_id: the identity of the phone, if it has one. The call is in its call log.
            locale: the locale that the caller chose, if any.

        Returns:
            False if the provider rejects the call.

        Raises:
            StorageError
        """
        if self.codes.is_test_phone(phone, self.clock.now()) or self.place_code_call is None:
            return True
        verification = (await self.phone_verifications.load(phone)).value
        callback = verification.callbacks.find(callback_id)
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
            await self._undo(phone, callback, DeliveryStatus.NOT_CONNECTED)
            raise
        is_placed = result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
        if not is_placed:
            await self._undo(phone, callback, result.status)
        if is_suppressed:
            self.events.record(OtpSuppressed(phone=phone, reason=BLOCKED, channel=Channel.VOICE))
        else:
            self.events.record(make_delivery_event(phone, result, Channel.VOICE, self.provider))
        return is_placed

    async def _record(
        self,
        phone: PhoneNumber,
        record: Callable[[PhoneVerification, Acquisition | None], PhoneVerification],
        loaded: Versioned[PhoneVerification],
        acquired: Acquisition,
    ) -> bool:
        """Record the callback, and return whether it is new.

        Permits are released if it is certain that the record does not hold them.

        Raises:
            TooManyOtpRequests
            StorageError
        """

        def record_with_permits(current: PhoneVerification) -> tuple[PhoneVerification, bool]:
            successor = record(current, acquired)
            return successor, successor is not current

        try:
            is_new = await change(
                self.phone_verifications, phone, record_with_permits, loaded=loaded
            )
        except NOTHING_WRITTEN:
            await self.delivery_limiter.release(acquired)
            raise
        if not is_new:
            await self.delivery_limiter.release(acquired)
        return is_new

    def _find_problem(self, phone: PhoneNumber, now: datetime) -> tuple[str, str] | None:
        """Return why no code is sent to a number, and the limit; None if a code is sent."""
        if self.countries is not None and phone.country not in self.countries:
            return "the country is not served", COUNTRY_NOT_SERVED
        if block := self.delivery_limiter.find_number_block(phone, now):
            return NUMBER_IS_BLOCKED, block.name
        try:
            self.phone_rules.check(phone)
        except InvalidValue:
            return "the kind of the number", NUMBER_NOT_SERVED
        return None

    def _reject(
        self,
        phone: PhoneNumber,
        now: datetime,
        reason: str,
        limit: str,
        part: str = "",
        *,
        until: datetime | None = None,
        has_record: bool | None = None,
    ) -> bool:
        rejection = Rejection(at=now, channel=Channel.VOICE, limit=limit, part=part, until=until)
        self.rejections.record(phone, rejection, reason, has_record=has_record)
        return False

    async def _undo(
        self,
        phone: PhoneNumber,
        callback: Callback,
        status: DeliveryStatus,
    ) -> None:
        """Record that no call was placed, and release permits. Where that fails they expire."""

        def reject(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, Callback | None]:
            recorded = verification.callbacks.find(callback.call_id)
            callbacks = verification.callbacks.reject(callback.call_id)
            return replace(verification, callbacks=callbacks), recorded

        with suppress(StorageError):
            cleared = await change(self.phone_verifications, phone, reject)
            if cleared is not None:
                await self.delivery_limiter.settle_callback(phone, cleared, status.outcome)

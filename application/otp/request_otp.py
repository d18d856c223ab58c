from collections.abc import Collection
from dataclasses import dataclass, field, replace

from application.otp.deliver_otp import DeliverOtp
from application.otp.reserve_delivery import ReserveDelivery
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.messenger import DeliveryStatus
from application.ports.otp_keys import OtpKeys
from application.ports.randomness import Randomness
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from domain.errors import (
    CountryNotServed,
    DeliveryFailed,
    PhoneUnreachable,
    TooManyOtpRequests,
    Unavailable,
)
from domain.otp.challenge import CHALLENGE_ID_BYTES, NONCE_BYTES, OTP_TTL, Challenge, Purpose
from domain.otp.delivery import OtpRequest
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy
from domain.otp.phone_verification import whole_seconds
from domain.otp.rate_limits import RateLimits, Reservation
from domain.otp.templates.preferences import MessagePreferences
from domain.otp.test_otps import TEST_OTP_POLICY, TestOtps
from domain.phone import PhoneNumber

REQUEST_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class RequestOtpCommand:
    """Somebody at `address` (an IPv4 address, or an IPv6 /64) wants a code for a phone."""

    phone: PhoneNumber
    client_ip: str
    preferences: MessagePreferences = field(default_factory=MessagePreferences)


@dataclass(frozen=True, slots=True)
class RequestOtpResult:
    """What the caller may know; times are whole seconds. `sent` is False for a repeat."""

    request_id: str
    sent: bool
    expires_in: int
    resend_in: int


@dataclass(frozen=True, slots=True)
class RequestOtp:
    """Send a sign-in code to a phone.

    - Asking again within the cool-down sends nothing and refers to the message already sent.
    - A budget that is spent refuses before anything is written: the phone's own, in its record,
      and those of the address, of the country and of all together.
    - The text is in the form that was asked for, or the next best; the code is the same.
    - The send is on record before the message leaves, so no race sends one too many.
    - A message that no sender would have costs the caller nothing.
    - When nobody knows what became of it, it counts as sent.
    - For a blocked phone all is counted and answered as for any other, and nothing leaves.
    - To a test number nothing is sent, and there is no cool-down.
    """

    reserve_delivery: ReserveDelivery
    deliver_otp: DeliverOtp
    otp_keys: OtpKeys
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    limits: DeliveryPolicy
    rate_limits: RateLimits
    test_otps: TestOtps

    async def __call__(self, wanted: RequestOtpCommand) -> RequestOtpResult:
        """Raises CountryNotServed, TooManyOtpRequests, PhoneUnreachable, DeliveryFailed, Unavailable."""
        ask = self._ask(wanted.client_ip)
        is_test_otp = self.test_otps.find_code(wanted.phone, ask.now) is not None
        if not (is_test_otp or self.countries is None or wanted.phone.country in self.countries):
            self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, "country not served")
            raise CountryNotServed
        draw = self._draw(wanted, ask, is_test_otp=is_test_otp)
        limits = TEST_OTP_POLICY if is_test_otp else self.limits
        try:
            asked = await self.reserve_delivery(wanted.phone, ask, draw, limits)
        except TooManyOtpRequests:
            self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, "rate limit")
            raise
        except StorageUnavailable as error:
            raise Unavailable from error
        self._emit(
            SecurityEventType.OTP_REQUESTED, wanted, "" if asked.is_new else "within the cooldown"
        )
        if is_test_otp:
            self._emit(SecurityEventType.TEST_OTP_USED, wanted, "requested")
        elif asked.is_new:
            await self._send(wanted, asked, draw)
        now = self.clock.now()
        return RequestOtpResult(
            request_id=asked.delivery.request_id,
            sent=asked.is_new,
            expires_in=whole_seconds(now, asked.challenge.expires_at),
            resend_in=whole_seconds(now, asked.next_request_at),
        )

    def _ask(self, address: str) -> OtpRequest:
        now = self.clock.now()
        challenge = Challenge(
            id=self.randomness.bytes(CHALLENGE_ID_BYTES).hex(),
            purpose=Purpose.SIGN_IN,
            nonce=self.randomness.bytes(NONCE_BYTES),
            key_id=self.otp_keys.current_id(),
            created_at=now,
            expires_at=now + OTP_TTL,
        )
        return OtpRequest(address, now, challenge, self.randomness.bytes(REQUEST_ID_BYTES).hex())

    def _draw(
        self, wanted: RequestOtpCommand, ask: OtpRequest, *, is_test_otp: bool
    ) -> Reservation:
        shared = self.rate_limits
        # To a test number nothing is sent that a country's or everybody's budget would pay for.
        rate_limiter = (
            shared.for_ip(wanted.client_ip)
            if is_test_otp
            else shared.for_delivery(wanted.client_ip, wanted.phone.country)
        )
        return Reservation(ask.new_request_id, ask.now, rate_limiter)

    async def _send(
        self, wanted: RequestOtpCommand, asked: DeliveryDecision, draw: Reservation
    ) -> None:
        result = await self.deliver_otp(wanted.phone, wanted.preferences, asked)
        match result.status:
            case DeliveryStatus.ACCEPTED | DeliveryStatus.UNKNOWN:
                event_type = (
                    SecurityEventType.OTP_DELIVERED
                    if asked.should_deliver
                    else SecurityEventType.OTP_SUPPRESSED
                )
                self._emit(event_type, wanted, result.reason)
            case DeliveryStatus.INVALID_NUMBER:
                self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, result.reason)
                # The address pays for it, or numbers could be tried out for nothing.
                own = self.rate_limits.for_ip(wanted.client_ip)
                others = tuple(one for one in draw.limits if one not in own)
                await self.reserve_delivery.cancel(wanted.phone, replace(draw, limits=others))
                raise PhoneUnreachable(result.reason or None)
            case DeliveryStatus.REJECTED:
                self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, result.reason)
                await self.reserve_delivery.cancel(wanted.phone, draw)
                raise DeliveryFailed(result.reason or None)

    def _emit(self, event_type: SecurityEventType, wanted: RequestOtpCommand, reason: str) -> None:
        self.events.emit(
            SecurityEvent(
                type=event_type,
                phone=wanted.phone,
                client_ip=wanted.client_ip,
                reason=reason or None,
            )
        )

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from application.identities.add_session import AddSession
from application.identities.session_factory import SessionFactory, Tokens
from application.otp.check_otp import CheckOtp
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from domain.errors import Unavailable
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.challenge import OtpCode
from domain.otp.delivery import Delivery
from domain.otp.rate_limits import RateLimits, Reservation
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class VerifyOtpCommand:
    """Somebody at `address` answers with a code, naming the request that brought it or not."""

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    with_refresh: bool = False


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The answer was right."""

    tokens: Tokens


@dataclass(frozen=True, slots=True)
class OtpRejected:
    """The answer was wrong, late, used before or never due; nobody is told which."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class VerifyOtp:
    """Sign somebody in who holds a phone.

    - A code is taken once (ASVS 5.0 6.5.1), however many ask at the same time.
    - No answer leaves before the try that it cost is on record.
    - An address has so many answers an hour, whatever phones they are for.
    - The first right answer for a phone makes its identity; one deleted since gives way to a
      new one, under a new id.
    - A block that comes between the judgement and the session is as good as one before it.
    """

    check_otp: CheckOtp
    add_session: AddSession
    rate_limiter: RateLimiter
    sessions: SessionFactory
    clock: Clock
    events: SecurityEvents
    rate_limits: RateLimits
    test_otps: TestOtps

    async def __call__(self, given: VerifyOtpCommand) -> LoggedIn | OtpRejected:
        """Raises TooManyAttempts, Unavailable."""
        now = self.clock.now()
        answer = OtpAttempt(given.code, given.client_ip, now, given.request_id)
        try:
            verdict = await self.check_otp(given.phone, answer)
            if not verdict.judged.is_correct:
                return self._rejected(given, verdict.judged)
            session = self.sessions.start(now, given.device, with_refresh=given.with_refresh)
            identity_id, _ = await asyncio.gather(
                self.add_session(session, given.phone, verdict.identity_id, verdict.identity),
                self._give_slot_back(verdict.judged.delivery),
            )
        except StorageUnavailable as error:
            raise Unavailable from error
        if identity_id is None:
            return self._rejected(given, verdict.judged)
        self._emit(SecurityEventType.LOGIN_SUCCEEDED, given, identity_id=identity_id)
        if self.test_otps.find_code(given.phone, now) is not None:
            self._emit(
                SecurityEventType.TEST_OTP_USED, given, identity_id=identity_id, reason="verified"
            )
        return LoggedIn(self.sessions.issue_tokens(identity_id, session, now))

    def _rejected(self, given: VerifyOtpCommand, judged: VerificationResult) -> OtpRejected:
        self._emit(
            SecurityEventType.OTP_VERIFICATION_FAILED, given, attempts_left=judged.attempts_left
        )
        return OtpRejected(judged.attempts_left)

    def _emit(
        self,
        event_type: SecurityEventType,
        given: VerifyOtpCommand,
        *,
        identity_id: str | None = None,
        reason: str | None = None,
        attempts_left: int | None = None,
    ) -> None:
        self.events.emit(
            SecurityEvent(
                type=event_type,
                phone=given.phone,
                client_ip=given.client_ip,
                user_id=identity_id,
                reason=reason,
                attempts_left=attempts_left,
            )
        )

    async def _give_slot_back(self, send: Delivery | None) -> None:
        if send is None:
            return
        rate_limiter = self.rate_limits.for_ip(send.client_ip)
        # Where it cannot be given back it lapses by itself.
        with suppress(StorageUnavailable):
            await self.rate_limiter.release(
                Reservation(send.request_id, send.sent_at, rate_limiter)
            )

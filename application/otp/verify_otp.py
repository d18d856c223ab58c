"""Verify a one-time code."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from application.identities.add_session import AddSession
from application.identities.session_factory import SessionFactory, Tokens
from application.otp.codes import OtpCodes
from application.ports.client_ip_hashes import ClientIpHashes
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.number_range_hashes import NumberRangeHashes
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import load_or_none, update_phone_verification
from domain.errors import TooManyAttempts
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.challenge import OtpCode
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification, whole_seconds
from domain.otp.rate_limits import DeliveryRoute, RateLimits, Reservation
from domain.phone import PhoneNumber

RESERVATION_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class VerifyOtpCommand:
    """A code from `client_ip`, with the id of the request that caused its delivery or without."""

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    with_refresh: bool = False


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The code was correct."""

    tokens: Tokens


@dataclass(frozen=True, slots=True)
class OtpRejected:
    """The code was wrong, expired, used before or never sent. Clients are not told which."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class VerifyOtp:
    """Exchange a one-time code for a session.

    - A code is used once (ASVS 5.0 6.5.1), however many requests race.
    - An attempt is counted before the response leaves.
    - Attempts of one IP are limited over all phones.
    - The first correct code of a phone creates its identity. A deleted identity is replaced by a
      new one with a new id.
    - A block between the verification and the session has the same effect as an earlier one.

    What does not depend on each other is sent to the database at the same time, so a login takes
    three sequential round trips.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    rate_limiter: RateLimiter
    codes: OtpCodes
    add_session: AddSession
    sessions: SessionFactory
    client_ip_hashes: ClientIpHashes
    number_range_hashes: NumberRangeHashes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    rate_limits: RateLimits

    async def __call__(self, command: VerifyOtpCommand) -> LoggedIn | OtpRejected:
        """Verify a code.

        Raises:
            TooManyAttempts
            StorageError
        """
        now = self.clock.now()
        attempt = OtpAttempt(
            command.code,
            self.client_ip_hashes.hash_client_ip(command.client_ip),
            now,
            command.request_id,
            new_identity_id=make_identifier(now, self.randomness.bytes(RANDOM_BYTES)),
        )

        result, identity = await self._verify(command, attempt)
        if result.identity_id is None:
            return self._reject(command, result)

        session = self.sessions.start(now, command.device, with_refresh=command.with_refresh)
        identity_id, _ = await asyncio.gather(
            self.add_session(session, command.phone, result.identity_id, identity),
            self._release_permits(command.phone, result.delivery),
        )
        if identity_id is None:
            return self._reject(command, result)

        self._emit(SecurityEventType.LOGIN_SUCCEEDED, command, user_id=identity_id)
        if self.codes.is_test_phone(command.phone, now):
            self._emit(
                SecurityEventType.TEST_OTP_USED, command, user_id=identity_id, reason="logged in"
            )
        return LoggedIn(self.sessions.issue_tokens(identity_id, session, now))

    async def _verify(
        self, command: VerifyOtpCommand, attempt: OtpAttempt
    ) -> tuple[VerificationResult, Versioned[Identity | None] | None]:
        """Count the attempt; for a correct code also load the identity.

        Raises:
            TooManyAttempts: with the later time of the phone's limits and the IP's.
            StorageError
        """
        phone, now = command.phone, attempt.now
        reservation = Reservation(
            self.randomness.bytes(RESERVATION_ID_BYTES).hex(),
            now,
            self.rate_limits.for_verification(attempt.client_ip),
        )
        loaded, available_at = await asyncio.gather(
            self.phone_verifications.load(phone), self.rate_limiter.acquire(reservation)
        )

        def verify(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, VerificationResult]:
            codes = self.codes.derive_all(verification, phone, now)
            return verification.verify(attempt, codes)

        try:
            verified = verify(loaded.value)
            if available_at is None:
                first, identity_id = loaded.value, verified[1].identity_id
                result = update_phone_verification(
                    self.phone_verifications,
                    phone,
                    lambda current: verified if current is first else verify(current),
                    loaded,
                )
                if identity_id is None:
                    return await result, None
                return await asyncio.gather(result, load_or_none(self.identities, identity_id))
        except TooManyAttempts as error:
            self._emit(SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, command, reason="for this phone")
            available_at = available_at or await self.rate_limiter.next_available(reservation)
            retry_after = max(error.retry_after, whole_seconds(now, available_at))
            raise TooManyAttempts(retry_after) from None
        self._emit(
            SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, command, reason="of this IP, for all phones"
        )
        raise TooManyAttempts(whole_seconds(now, available_at))

    async def _release_permits(self, phone: PhoneNumber, delivery: Delivery | None) -> None:
        """Release the permits of unverified deliveries. Where that fails they expire."""
        if delivery is None:
            return
        number_range = self.number_range_hashes.hash_number_range(phone.number_range)
        route = DeliveryRoute(delivery.client_ip, phone.country, number_range)
        limits = self.rate_limits.released_by_login(route)
        with suppress(StorageError):
            await self.rate_limiter.release(
                Reservation(delivery.request_id, delivery.sent_at, limits)
            )

    def _reject(self, command: VerifyOtpCommand, result: VerificationResult) -> OtpRejected:
        self._emit(
            SecurityEventType.OTP_VERIFICATION_FAILED,
            command,
            attempts_left=result.attempts_left,
        )
        return OtpRejected(result.attempts_left)

    def _emit(
        self,
        event_type: SecurityEventType,
        command: VerifyOtpCommand,
        *,
        user_id: str | None = None,
        reason: str | None = None,
        attempts_left: int | None = None,
    ) -> None:
        self.events.emit(
            SecurityEvent(
                type=event_type,
                phone=command.phone,
                client_ip=command.client_ip,
                user_id=user_id,
                reason=reason,
                attempts_left=attempts_left,
            )
        )

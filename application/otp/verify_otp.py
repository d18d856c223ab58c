"""Verify a one-time code."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from application.identities.add_session import AddSession
from application.identities.session_factory import SESSION_ID_BYTES, SessionFactory, Tokens
from application.otp.attempt_permits import AttemptPermits, release
from application.otp.codes import OtpCodes, derive_phone_key
from application.otp.recognize_device import RecognizeDevice
from application.ports.calls import Calls
from application.ports.client_ip_hashes import ClientIpHashes
from application.ports.errors import CorruptRecord, StorageError
from application.ports.identities import Identities
from application.ports.number_range_hashes import NumberRangeHashes
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import load_or_none, update_call, update_phone_verification
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import SECRET_BYTES, DeviceToken
from domain.identities.identity import Identity, UsedChallenge
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.challenge import OtpCode
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import DeliveryRoute, RateLimits, Reservation
from domain.otp.request_id import parse_request_id
from domain.otp.sliding_window import CLOCK_SKEW, whole_seconds
from domain.phone import PhoneNumber
from domain.values import dataclass
from domain.voice.call import Call

RESERVATION_ID_BYTES: Final = 8
_IDS_BYTES: Final = RESERVATION_ID_BYTES + RANDOM_BYTES + SESSION_ID_BYTES


@dataclass(frozen=True, slots=True)
class VerifyOtpCommand:
    """A code from `client_ip`, with the id of the request that it belongs to or without.

    `with_device_token` says that the client understands device tokens: it gets one.
    """

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    with_refresh: bool = False
    device_token: DeviceToken | None = None
    with_device_token: bool = False


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The code was correct."""

    tokens: Tokens
    device_token: DeviceToken | None = None


@dataclass(frozen=True, slots=True)
class OtpRejected:
    """The code was wrong, expired, used before or never sent. Clients are not told which."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class VerifyOtp:
    """Exchange a one-time code for a session.

    - A code is used once (ASVS 5.0 6.5.1), however many requests race.
    - No login is lost: where the session was not saved, the same client may send the code again.
      Only the request whose write adds the session gets tokens.
    - An attempt is counted before the response leaves.
    - Attempts of one IP are limited over all phones, and so are failed attempts while a challenge
      is active: per country and in total. An attempt with a valid request id, or of a recognized
      device, uses up the limit of the IP, but is looked at without it as well: others share the IP.
    - While no challenge is active an attempt counts on IP and phone, in an entry that expires, by
      the same rule for every phone.
    - A wrong code that counts on a callback gets the response of a phone without one, after as many
      round trips.
    - The first correct code of a phone creates its identity. A deleted identity is replaced by a
      new one with a new id.
    - A block between the verification and the session has the same effect as an earlier one.

    What does not depend on each other is sent to the database at the same time, so a login takes
    three sequential round trips, and one more where a release takes two. After a login by a code
    that was read in a call, two more mark that call.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    calls: Calls
    rate_limiter: RateLimiter
    codes: OtpCodes
    add_session: AddSession
    sessions: SessionFactory
    recognize_device: RecognizeDevice
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
            TooManyAttemptsFromIp
            StorageError
        """
        phone, now = command.phone, self.clock.now()
        client_ip = self.client_ip_hashes.hash_client_ip(command.client_ip)
        random = self.randomness.bytes(_IDS_BYTES)
        reservation_id = random[:RESERVATION_ID_BYTES].hex()
        reservation = Reservation(
            f"{reservation_id}:attempt",
            now,
            self.rate_limits.for_verification(client_ip),
            is_releasable=False,
        )
        failure = Reservation(
            f"{reservation_id}:failure",
            now,
            self.rate_limits.for_failed_attempt(client_ip, phone.country),
        )
        digest_key = self.codes.digest_key(phone)
        unchallenged = self.rate_limits.for_unchallenged_attempt(
            client_ip, derive_phone_key(digest_key)
        )
        loaded, device, (ip_available_at, limited_until), earlier = await asyncio.gather(
            self.phone_verifications.load(phone),
            self.recognize_device(command.device_token, now),
            self.rate_limiter.acquire_each(reservation, failure),
            self.rate_limiter.list_permits(unchallenged, now),
        )
        attempt = OtpAttempt(
            code=command.code,
            client_ip=client_ip,
            now=now,
            digest_key=digest_key,
            request_id=command.request_id and parse_request_id(command.request_id),
            device=device,
            new_identity_id=make_identifier(now, random[RESERVATION_ID_BYTES:]),
            new_session_id=random[-SESSION_ID_BYTES:].hex(),
            is_limited=limited_until is not None,
            unchallenged_at=unchallenged.window.next_available(
                [permit.acquired_at for permit in earlier], now
            ),
        )
        permits = AttemptPermits(
            rate_limiter=self.rate_limiter,
            of_ip=reservation,
            of_failure=failure if limited_until is None else None,
            unchallenged=unchallenged,
            earlier=earlier,
        )
        result, identity, left = await self._verify(
            command, attempt, loaded, permits, ip_available_at
        )
        # Without a challenge they were released before.
        unused = None if result.is_counted or result.is_unchallenged else permits.of_failure
        challenge = result.challenge
        login = challenge.login if challenge else None
        if challenge is None or login is None:
            if unused is not None:
                await release(self.rate_limiter, unused)
            return self._reject(command, left)

        session = self.sessions.start(
            login.session_id, now, command.device, with_refresh=command.with_refresh
        )
        secret = self._device_secret(command, result)
        identity_id, _, _ = await asyncio.gather(
            self.add_session(
                session,
                phone,
                login.identity_id,
                UsedChallenge(challenge.id, challenge.expires_at + CLOCK_SKEW),
                identity,
                DeviceToken(login.identity_id, secret).device_id if secret else None,
                is_retry=result.is_replay,
                is_recognized=result.is_device_recognized,
            ),
            release(self.rate_limiter, self._permits_of(phone, result.delivery)),
            release(self.rate_limiter, unused),
        )
        if identity_id is None:
            return self._reject(command, left)
        await self._verify_caller(result.call_id, identity_id)

        self._emit(SecurityEventType.LOGIN_SUCCEEDED, command, user_id=identity_id)
        if self.codes.is_test_phone(phone, now):
            self._emit(
                SecurityEventType.TEST_OTP_USED, command, user_id=identity_id, reason="logged in"
            )
        return LoggedIn(
            self.sessions.issue_tokens(identity_id, session, now),
            DeviceToken(identity_id, secret) if secret else None,
        )

    async def _verify(
        self,
        command: VerifyOtpCommand,
        attempt: OtpAttempt,
        loaded: Versioned[PhoneVerification],
        permits: AttemptPermits,
        ip_available_at: datetime | None,
    ) -> tuple[VerificationResult, Versioned[Identity | None] | None, int]:
        """Count the attempt; for a correct code also load the identity of its login.

        Returns:
            The result, the identity, and how many attempts are left.

        Raises:
            TooManyAttempts: with the later time of the phone's limits and the IP's.
            TooManyAttemptsFromIp
            StorageError
        """
        successor, first = self._check(command.phone, attempt, loaded.value)
        if ip_available_at is not None and not loaded.value.has_own_attempts(attempt):
            # It is not looked at, and counts on nothing.
            successor, first = loaded.value, replace(first, is_counted=False)
            if first.retry_after is None:
                await release(self.rate_limiter, permits.of_failure)
                self._emit_exhausted(command, "of this IP, for all phones")
                raise TooManyAttemptsFromIp(whole_seconds(attempt.now, ip_available_at))
        saving = self._save(command.phone, attempt, loaded, successor, first)
        left: int | TooManyAttempts
        if first.retry_after is None and not first.is_unchallenged:
            (result, identity), left = await saving, first.attempts_left
        else:
            # Together, so that the time does not reveal whether the attempt counts on a callback.
            (result, identity), left = await asyncio.gather(saving, permits.apply(attempt, first))
        if result is not first and _applied_limits(result) != _applied_limits(first):
            left = await permits.apply(attempt, result)
        if isinstance(left, TooManyAttempts):
            self._emit_exhausted(command, "for this phone")
            raise left
        return result, identity, left if result.is_unchallenged else result.attempts_left

    def _check(
        self, phone: PhoneNumber, attempt: OtpAttempt, verification: PhoneVerification
    ) -> tuple[PhoneVerification, VerificationResult]:
        codes = self.codes.derive_all(verification, phone, attempt.now)
        return verification.verify(attempt, codes)

    async def _save(
        self,
        phone: PhoneNumber,
        attempt: OtpAttempt,
        loaded: Versioned[PhoneVerification],
        successor: PhoneVerification,
        first: VerificationResult,
    ) -> tuple[VerificationResult, Versioned[Identity | None] | None]:
        challenge = first.challenge
        replacing = self._replace(phone, attempt, loaded, successor, first)
        if challenge is None or challenge.login is None:
            return await replacing, None
        result, identity = await asyncio.gather(
            replacing, load_or_none(self.identities, challenge.login.identity_id)
        )
        # After a conflict the login may be another one.
        return result, identity if result.challenge == challenge else None

    async def _replace(
        self,
        phone: PhoneNumber,
        attempt: OtpAttempt,
        loaded: Versioned[PhoneVerification],
        successor: PhoneVerification,
        first: VerificationResult,
    ) -> VerificationResult:
        """Replace the loaded state by its successor. After a conflict, check the attempt again."""
        verifications = self.phone_verifications
        if successor is loaded.value or await verifications.replace(
            phone, successor, loaded.version
        ):
            return first
        check = partial(self._check, phone, attempt)
        return await update_phone_verification(verifications, phone, check)

    async def _verify_caller(self, call_id: str | None, identity_id: str) -> None:
        """Mark the call that read the code as that of the identity, if there is one."""
        if call_id is not None:
            with suppress(StorageError, CorruptRecord):
                await update_call(
                    self.calls, call_id, lambda call: _verify_caller(call, identity_id)
                )

    def _device_secret(self, command: VerifyOtpCommand, result: VerificationResult) -> bytes | None:
        """Return the secret of the device token: a recognized device keeps its own."""
        if not command.with_device_token:
            return None
        if result.is_device_recognized and command.device_token is not None:
            return command.device_token.secret
        return self.randomness.bytes(SECRET_BYTES)

    def _permits_of(self, phone: PhoneNumber, delivery: Delivery | None) -> Reservation | None:
        """Return the permits of an unverified delivery. A login releases them."""
        if delivery is None:
            return None
        number_range = self.number_range_hashes.hash_number_range(phone.number_range)
        route = DeliveryRoute(delivery.client_ip, phone.country, number_range)
        limits = self.rate_limits.released_by_login(route)
        return Reservation(delivery.request_id, delivery.sent_at, limits)

    def _emit_exhausted(self, command: VerifyOtpCommand, reason: str) -> None:
        self._emit(SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, command, reason=reason)

    def _reject(self, command: VerifyOtpCommand, attempts_left: int) -> OtpRejected:
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.OTP_VERIFICATION_FAILED,
                phone=command.phone,
                client_ip=command.client_ip,
                attempts_left=attempts_left,
            )
        )
        return OtpRejected(attempts_left)

    def _emit(
        self,
        event_type: SecurityEventType,
        command: VerifyOtpCommand,
        *,
        user_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.events.emit(
            SecurityEvent(
                type=event_type,
                phone=command.phone,
                client_ip=command.client_ip,
                user_id=user_id,
                reason=reason,
            )
        )


def _applied_limits(result: VerificationResult) -> tuple[bool, bool]:
    """Return which limits apply to the result: used up ones, or those without a challenge."""
    return result.retry_after is not None, result.is_unchallenged


def _verify_caller(call: Call, identity_id: str) -> Call:
    return call.verify_caller(identity_id) if call.has_read_code else call

"""Verify a one-time code."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from application.identities.login import AddSession, repeat_login
from application.identities.session_factory import SESSION_ID_BYTES, SessionFactory, Tokens
from application.otp.attempt_limiter import AttemptLimiter
from application.otp.codes import OtpCodes
from application.otp.delivery_limiter import DeliveryLimiter
from application.otp.recognize_device import recognize_device
from application.ports.errors import CorruptRecord, StorageError
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock, Randomness, SecurityEvents, SecurityEventType
from application.ports.versioned import Versioned
from application.ports.voice import Calls
from application.update import update_call, update_phone_verification
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.attempts import Correct, OtpAttempt, UsedCode, VerificationResult, used_code
from domain.otp.challenge import OtpCode
from domain.otp.code_check import check_code
from domain.otp.phone_verification import PhoneVerification
from domain.otp.request_id import parse_request_id
from domain.phone import PhoneNumber

_IDS_BYTES: Final = RANDOM_BYTES + SESSION_ID_BYTES


@dataclass(frozen=True, slots=True)
class VerifyOtpCommand:
    """A code from `client_ip`, with the id of the request that it belongs to or without.

    `with_device_token` says that the client understands device tokens: it gets one.
    `is_legacy` says that it came by the legacy API, which has no request ids.
    """

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    with_refresh: bool = False
    device_token: DeviceToken | None = None
    with_device_token: bool = False
    is_legacy: bool = False


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The code was correct. The identity has the session of the tokens."""

    identity: Identity
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
      Only the request whose write adds the session gets tokens, and the repeats of that request
      (`repeat_login`): they open no second session, release nothing and are no second login.
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
    codes: OtpCodes
    attempt_limiter: AttemptLimiter
    add_session: AddSession
    sessions: SessionFactory
    delivery_limiter: DeliveryLimiter
    keyed_hashes: KeyedHashes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(self, command: VerifyOtpCommand) -> LoggedIn | OtpRejected:
        """Verify a code.

        Raises:
            TooManyAttempts: with the later time of the phone's limits and the IP's, and the time
                when a new code can be requested.
            TooManyAttemptsFromIp
            StorageError
        """
        phone, now = command.phone, self.clock.now()
        random = self.randomness.bytes(_IDS_BYTES)
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        loaded, device, permits = await asyncio.gather(
            self.phone_verifications.load(phone),
            recognize_device(self.identities, command.device_token, now),
            self.attempt_limiter.acquire(now, client_ip, phone, self.codes.phone_key(phone)),
        )
        attempt = OtpAttempt(
            code=command.code,
            client_ip=client_ip,
            now=now,
            digest_key=self.codes.digest_key(phone),
            request_id=command.request_id and parse_request_id(command.request_id),
            device=device,
            new_identity_id=make_identifier(now, random),
            new_session_id=random[-SESSION_ID_BYTES:].hex(),
            is_limited=permits.of_failure is None,
            unchallenged_at=permits.unchallenged_at,
            ip_available_at=permits.ip_available_at,
        )
        check = partial(self._check, phone, attempt)
        successor, result = check(loaded.value)
        code = used_code(result)
        replacing = self._replace(phone, successor, loaded)
        if code is None:
            is_saved, loaded_identity = await replacing, None
        else:
            is_saved, loaded_identity = await asyncio.gather(replacing, self._load_identity(code))
        if not is_saved:  # another request changed the verification, and maybe the login
            result = await update_phone_verification(self.phone_verifications, phone, check)
            code, loaded_identity = used_code(result), None
        unchanged = loaded if is_saved else None
        try:
            left = await self.attempt_limiter.apply(attempt, permits, result, unchanged)
        except TooManyAttempts as error:
            is_of_ip = isinstance(error, TooManyAttemptsFromIp)
            reason = "of this IP, for all phones" if is_of_ip else "for this phone"
            self.events.emit(SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, phone=phone, reason=reason)
            current = loaded if is_saved else await self.phone_verifications.load(phone)
            resend_in = await self.delivery_limiter.resend_in(phone, attempt, current.value)
            raise type(error)(error.retry_after, resend_in) from None
        if code is None:
            return self._reject(phone, left)

        login = code.login
        client_ip_hash = client_ip.ip if command.is_legacy else None
        session = self.sessions.start(
            login.session_id, now, command.device, with_refresh=command.with_refresh
        )
        device_token = None
        if command.with_device_token:
            known = command.device_token if code.is_device_recognized else None
            device_token = self.sessions.make_device_token(login.identity_id, session.id, known)
        add_session = partial(
            self.add_session,
            session,
            phone,
            code,
            loaded_identity,
            device_token.device_id if device_token else None,
            attempt.request_id,
            client_ip_hash,
        )
        if isinstance(result, Correct):
            identity, _ = await asyncio.gather(
                add_session(), self.attempt_limiter.release(permits, code.deliveries)
            )
        else:
            is_completable = now < code.challenge.expires_at
            identity = await add_session(is_retry=True) if is_completable else None
            await self.attempt_limiter.release(permits, code.deliveries if identity else ())
        if identity is None:  # a parallel repeat may have opened the session
            repeated = await repeat_login(
                self.identities,
                self.sessions,
                code,
                attempt.request_id,
                client_ip_hash,
                command.device_token,
                now,
            )
            return LoggedIn(*repeated) if repeated else self._reject(phone, left)
        await self._verify_caller(code, identity.id)
        self.events.emit(SecurityEventType.LOGIN_SUCCEEDED, phone=phone, user_id=identity.id)
        if self.codes.is_test_phone(phone, now):
            self.events.emit(
                SecurityEventType.TEST_OTP_USED,
                phone=phone,
                user_id=identity.id,
                reason="logged in",
            )
        tokens = self.sessions.issue_tokens(identity.id, session, now)
        device_token = device_token and replace(device_token, identity_id=identity.id)
        return LoggedIn(identity, tokens, device_token)

    def _check(
        self, phone: PhoneNumber, attempt: OtpAttempt, verification: PhoneVerification
    ) -> tuple[PhoneVerification, VerificationResult]:
        codes = self.codes.derive_all(verification, phone, attempt.now, attempt.request_id)
        return check_code(verification, attempt, codes)

    async def _replace(
        self, phone: PhoneNumber, successor: PhoneVerification, loaded: Versioned[PhoneVerification]
    ) -> bool:
        if successor is loaded.value:
            return True
        return await self.phone_verifications.replace(phone, successor, loaded.version)

    async def _load_identity(self, code: UsedCode) -> Versioned[Identity | None]:
        return await self.identities.load(code.login.identity_id) or Versioned(None, 0)

    async def _verify_caller(self, code: UsedCode, identity_id: str) -> None:
        """Mark the call that read the code as that of the identity, if there is one."""
        if code.carrier is not None and code.carrier.call_id is not None:
            with suppress(StorageError, CorruptRecord):
                await update_call(
                    self.calls, code.carrier.call_id, lambda call: call.verify_caller(identity_id)
                )

    def _reject(self, phone: PhoneNumber, attempts_left: int) -> OtpRejected:
        self.events.emit(
            SecurityEventType.OTP_VERIFICATION_FAILED, phone=phone, attempts_left=attempts_left
        )
        return OtpRejected(attempts_left)

"""Verify a one-time code."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.identities.login import LoggedIn, LogIn, LogInCommand
from application.identities.session_factory import SESSION_ID_BYTES
from application.otp.attempt_limiter import AttemptLimiter, AttemptPermits
from application.otp.codes import OtpCodes
from application.otp.delivery_limiter import DeliveryLimiter
from application.otp.recognize_device import recognize_device
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock, Randomness, SecurityEvents, SecurityEventType
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.attempts import Correct, OtpAttempt, UsedCode, VerificationResult, used_code
from domain.otp.challenge import OtpCode
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import check_code
from domain.otp.delivery import DeviceProof
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
class OtpRejected:
    """The code was wrong, expired, used before or never sent. Clients are not told which."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class VerifyOtp:
    """Exchange a one-time code for a session.

    - A code is used once (ASVS 5.0 6.5.1), however many requests race.
    - No login is lost: where the session was not saved, the same client may send the code again.
      Only the request whose write adds the session gets tokens, and the repeats of that request
      (`LogIn.repeat`): they open no second session, release nothing and are no second login.
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
    three sequential round trips, and one more where permits take a read and a write. After a login
    by a code that was read in a call, two more mark that call.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    codes: OtpCodes
    attempt_limiter: AttemptLimiter
    delivery_limiter: DeliveryLimiter
    log_in: LogIn
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
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        loaded, device, permits = await asyncio.gather(
            self.phone_verifications.load(phone),
            recognize_device(self.identities, command.device_token, now),
            self.attempt_limiter.acquire(now, client_ip, phone, self.codes.phone_key(phone)),
        )
        attempt = self._make_attempt(command, client_ip, now, device, permits)

        def check(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, VerificationResult]:
            codes = self.codes.derive_all(verification, phone, now, attempt.request_id)
            return check_code(verification, attempt, codes)

        successor, result = check(loaded.value)
        is_saved, identity = await asyncio.gather(
            self._save(phone, successor, loaded), self._load_identity(used_code(result))
        )
        if not is_saved:  # another request changed the verification, and maybe the login
            result = await update_phone_verification(self.phone_verifications, phone, check)
            identity = None
        unchanged = loaded if is_saved else None
        try:
            left = await self.attempt_limiter.count(attempt, permits, result, unchanged)
        except TooManyAttempts as error:
            error.resend_in = await self._report_exhausted(phone, attempt, error, unchanged)
            raise
        logged_in = await self._open_session(command, attempt, permits, result, identity)
        if logged_in is not None:
            return logged_in
        self.events.emit(SecurityEventType.OTP_VERIFICATION_FAILED, phone=phone, attempts_left=left)
        return OtpRejected(left)

    def _make_attempt(
        self,
        command: VerifyOtpCommand,
        client_ip: HashedClientIp,
        now: datetime,
        device: DeviceProof | None,
        permits: AttemptPermits,
    ) -> OtpAttempt:
        random = self.randomness.bytes(_IDS_BYTES)
        return OtpAttempt(
            code=command.code,
            client_ip=client_ip,
            now=now,
            digest_key=self.codes.digest_key(command.phone),
            request_id=command.request_id and parse_request_id(command.request_id),
            device=device,
            new_identity_id=make_identifier(now, random),
            new_session_id=random[-SESSION_ID_BYTES:].hex(),
            is_limited=permits.of_failure is None,
            unchallenged_at=permits.unchallenged_at,
            ip_available_at=permits.ip_available_at,
        )

    async def _save(
        self, phone: PhoneNumber, successor: PhoneVerification, loaded: Versioned[PhoneVerification]
    ) -> bool:
        if successor is loaded.value:
            return True
        return await self.phone_verifications.replace(phone, successor, loaded.version)

    async def _load_identity(self, code: UsedCode | None) -> Versioned[Identity | None] | None:
        if code is None:
            return None
        return await self.identities.load(code.login.identity_id) or Versioned(None, 0)

    async def _report_exhausted(
        self,
        phone: PhoneNumber,
        attempt: OtpAttempt,
        error: TooManyAttempts,
        unchanged: Versioned[PhoneVerification] | None,
    ) -> int:
        """Report an attempt that was not looked at, and return when a new code can be requested."""
        is_of_ip = isinstance(error, TooManyAttemptsFromIp)
        reason = "of this IP, for all phones" if is_of_ip else "for this phone"
        self.events.emit(SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, phone=phone, reason=reason)
        current = unchanged or await self.phone_verifications.load(phone)
        return await self.delivery_limiter.resend_in(phone, attempt, current.value)

    async def _open_session(
        self,
        command: VerifyOtpCommand,
        attempt: OtpAttempt,
        permits: AttemptPermits,
        result: VerificationResult,
        identity: Versioned[Identity | None] | None,
    ) -> LoggedIn | None:
        """Open the session of the code, or repeat the login that did; None without a correct code.

        The request that used the code releases the permits of the deliveries that had it.
        """
        phone, code = command.phone, used_code(result)
        if code is None:
            return None
        login = LogInCommand(
            phone=phone,
            code=code,
            now=attempt.now,
            request_id=attempt.request_id,
            client_ip_hash=attempt.client_ip.ip if command.is_legacy else None,
            device=command.device,
            with_refresh=command.with_refresh,
            device_token=command.device_token,
            with_device_token=command.with_device_token,
        )
        if isinstance(result, Correct):
            logged_in, *_ = await asyncio.gather(
                self.log_in.open_session(login, identity),
                self.attempt_limiter.release(permits),
                *(
                    self.delivery_limiter.release_verified(phone, delivery)
                    for delivery in code.deliveries
                ),
            )
        else:
            logged_in = await self.log_in.open_session(login, is_retry=True)
        if logged_in is None:
            return await self.log_in.repeat(login)  # a parallel request may have opened the session
        if self.codes.is_test_phone(phone, attempt.now):
            self.events.emit(
                SecurityEventType.TEST_OTP_USED,
                phone=phone,
                user_id=logged_in.identity.id,
                reason="logged in",
            )
        return logged_in

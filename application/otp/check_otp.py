"""Check a one-time code, for a sign-in or for another purpose."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.identities.session_factory import SESSION_ID_BYTES
from application.limits.attempt_limiter import AttemptLimiter, AttemptPermits
from application.limits.delivery_limiter import DeliveryLimiter
from application.otp.events import OtpAttemptsExhausted
from application.otp.extensions import OtpExtensions
from application.otp.recognize_device import recognize_device
from application.otp_codes import OtpCodes
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import change
from domain.errors import TooManyAttempts, TooManyAttemptsFromIp
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.attempts import (
    Correct,
    LoginDecision,
    LoginRejection,
    OtpAttempt,
    UsedCode,
    VerificationResult,
    used_code,
)
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.code_check import CodeCheck, compare_code, count_attempt
from domain.otp.delivery import DeviceProof, parse_request_id
from domain.otp.permits import Outcome
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_IDS_BYTES: Final = RANDOM_BYTES + SESSION_ID_BYTES


AskBeforeUse = Callable[
    [UsedCode, Versioned[Identity | None] | None, datetime], Awaitable[LoginDecision]
]
"""Decides about a code that is correct, for an identity or, if there is no value, for a new one."""


@dataclass(frozen=True, slots=True)
class CheckOtpCommand:
    """A code from `client_ip`, with the id of the request that it belongs to or without.

    `identity_id` is set if the code is for a change of this identity's phone.
    """

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device_token: DeviceToken | None = None
    purpose: Purpose = Purpose.SIGN_IN
    identity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOtp:
    """A code that was checked and counted.

    Attributes:
        result: The result.
        attempt: The attempt.
        attempts_left: How many the client has left.
        permits: The permits of the attempt, until `CheckOtp.release` releases them.
        identity: The identity of the code that was used, if it was loaded. Its value is None if
            there is no such identity.
        rejection: Why a correct code logs nobody in, if `ask` decided that.
    """

    result: VerificationResult
    attempt: OtpAttempt
    attempts_left: int
    permits: AttemptPermits
    identity: Versioned[Identity | None] | None
    rejection: LoginRejection | None = None

    @property
    def used_code(self) -> UsedCode | None:
        """The code that the client used, now or before; None if it is not correct."""
        return used_code(self.result)


@dataclass(frozen=True, slots=True)
class CheckOtp:
    """Check a code, count the attempt, and use the code if it is correct.

    - A code is used once (ASVS 5.0 6.5.1), however many requests race. The client that used it
      may send it again, to complete what it is for: the caller decides what is left to do.
    - An attempt is counted before this returns.
    - Attempts of one IP are limited over all phones, and so are those without an id from IPs that
      neither requested the code nor signed in before: per country and in total. An attempt with a
      valid request id, or of a recognized device, uses up the limit of the IP, but is looked at
      without it as well: others share the IP.
    - While no code is active an attempt counts on its IP only.
    - A rejected code is used, and counts as any correct one, but it logs nobody in: the phone gets
      no identity by it, and trusts no IP. Where nobody can decide, nothing is counted, and the code
      stays as it is.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    extensions: OtpExtensions
    codes: OtpCodes
    attempt_limiter: AttemptLimiter
    delivery_limiter: DeliveryLimiter
    keyed_hashes: KeyedHashes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(
        self, command: CheckOtpCommand, ask: AskBeforeUse | None = None
    ) -> CheckedOtp:
        """Check a code.

        Args:
            command: the code and its client.
            ask: decides about a correct code before it is used; None if nobody does.

        Raises:
            TooManyAttempts: with the later time of the phone's limits and the IP's, and the time
                when a new code can be requested.
            TooManyAttemptsFromIp
            StorageError
            PortError: what `ask` raises.
        """
        phone, now = command.phone, self.clock.now()
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        loading = self.phone_verifications.load(phone)
        digest_key = self.codes.digest_key(phone)
        acquiring = self.attempt_limiter.acquire(
            now, client_ip, phone, has_id=command.request_id is not None
        )
        device = named = None
        if command.device_token is None:
            loaded, permits = await asyncio.gather(loading, acquiring)
        else:
            loaded, permits, (device, named) = await asyncio.gather(
                loading,
                acquiring,
                recognize_device(
                    self.identities, self.extensions, command.device_token, command.purpose, now
                ),
            )
        attempt = self._make_attempt(command, client_ip, digest_key, now, device, permits)
        check = self._compare(phone, attempt, loaded.value)
        decision, found = await self._ask(ask, phone, check, named, permits)
        successor, result = count_attempt(loaded.value, check, decision)
        used = used_code(result) if found is None else None
        is_saved, identity = await asyncio.gather(
            self._save(phone, successor, loaded), self._load_identity(phone, used, attempt, named)
        )
        identity = found or identity
        if not is_saved:
            identity = None
            result, decision = await self._check_again(check, named, permits, ask, decision)
        unchanged = loaded if is_saved else None
        try:
            left = await self.attempt_limiter.count(attempt, permits, result)
        except TooManyAttempts as error:
            error.resend_in = await self._report_exhausted(command, attempt, error, unchanged)
            raise
        return CheckedOtp(
            result=result,
            attempt=attempt,
            attempts_left=left,
            permits=permits,
            identity=identity,
            rejection=decision if isinstance(decision, LoginRejection) else None,
        )

    async def release(self, checked: CheckedOtp) -> None:
        """Release the permits of a correct code: its own, and those of deliveries that had it.

        Only the request that used the code holds some.
        """
        if isinstance(checked.result, Correct):
            await asyncio.gather(
                self.attempt_limiter.release(checked.permits),
                *(
                    self.delivery_limiter.settle(checked.permits.phone, delivery, Outcome.LOGIN)
                    for delivery in checked.result.code.deliveries
                ),
            )

    def _make_attempt(
        self,
        command: CheckOtpCommand,
        client_ip: HashedClientIp,
        digest_key: bytes,
        now: datetime,
        device: DeviceProof | None,
        permits: AttemptPermits,
    ) -> OtpAttempt:
        random = self.randomness.bytes(_IDS_BYTES)
        return OtpAttempt(
            code=command.code,
            client_ip=client_ip,
            now=now,
            digest_key=digest_key,
            request_id=command.request_id and parse_request_id(command.request_id),
            device=device,
            new_identity_id=make_identifier(now, random),
            new_session_id=random[-SESSION_ID_BYTES:].hex(),
            is_limited=permits.is_limited,
            ip_available_at=permits.ip_available_at,
            purpose=command.purpose,
            identity_id=command.identity_id,
        )

    def _compare(
        self, phone: PhoneNumber, attempt: OtpAttempt, verification: PhoneVerification
    ) -> CodeCheck:
        return compare_code(
            verification, attempt, self.codes.derive_all(verification, phone, attempt)
        )

    async def _ask(
        self,
        ask: AskBeforeUse | None,
        phone: PhoneNumber,
        check: CodeCheck,
        named: Versioned[Identity] | None,
        permits: AttemptPermits,
    ) -> tuple[LoginDecision | None, Versioned[Identity | None] | None]:
        """Ask about a correct code. Return the decision, and the identity that it is about."""
        if ask is None or not isinstance(check.match, Correct):
            return None, None
        code, attempt = check.match.code, check.attempt
        identity = await self._load_identity(phone, code, attempt, named)
        try:
            return await ask(code, identity, attempt.now), identity
        except BaseException:  # also if the client has gone meanwhile
            await self.attempt_limiter.release_all(permits)
            raise

    async def _check_again(
        self,
        first: CodeCheck,
        named: Versioned[Identity] | None,
        permits: AttemptPermits,
        ask: AskBeforeUse | None,
        decision: LoginDecision | None,
    ) -> tuple[VerificationResult, LoginDecision | None]:
        """Check the code after another request changed the verification, and maybe the login.

        `ask` decides again about a code that is correct only now, or now logs in somebody else.
        """
        phone, attempt, decided_for = permits.phone, first.attempt, _identity_of(first)

        async def check_again(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, tuple[VerificationResult, LoginDecision | None]]:
            nonlocal decision, decided_for
            check = self._compare(phone, attempt, verification)
            identity_id = _identity_of(check)
            if identity_id is not None and identity_id != decided_for:
                decision, _ = await self._ask(ask, phone, check, named, permits)
                decided_for = identity_id
            successor, result = count_attempt(verification, check, decision)
            return successor, (result, decision)

        return await change(self.phone_verifications, phone, check_again)

    async def _save(
        self, phone: PhoneNumber, successor: PhoneVerification, loaded: Versioned[PhoneVerification]
    ) -> bool:
        if successor is loaded.value:
            return True
        return await self.phone_verifications.save(phone, successor, loaded.version)

    async def _load_identity(
        self,
        phone: PhoneNumber,
        code: UsedCode | None,
        attempt: OtpAttempt,
        named: Versioned[Identity] | None,
    ) -> Versioned[Identity | None] | None:
        """Return the identity of a code: that of the device token, or one that is loaded.

        That of the token may be older than the code. It is used where the login writes it, which
        only succeeds if it is unchanged.
        """
        if code is None:
            return None
        identity_id = code.login.identity_id
        if identity_id == attempt.new_identity_id:  # it is random, so nobody has it
            return Versioned(None, 0)
        if named is not None and named.value.id == identity_id:
            identity = named.value
            if identity.phone == phone and not (identity.is_closed or identity.is_blocked):
                return Versioned(identity, named.version)
        return await self.identities.load(identity_id) or Versioned(None, 0)

    async def _report_exhausted(
        self,
        command: CheckOtpCommand,
        attempt: OtpAttempt,
        error: TooManyAttempts,
        unchanged: Versioned[PhoneVerification] | None,
    ) -> int:
        """Report an attempt that was not looked at, and return when a new code can be requested."""
        phone, is_of_ip = command.phone, isinstance(error, TooManyAttemptsFromIp)
        reason = "of this IP, for all phones" if is_of_ip else "for this phone"
        self.events.record(OtpAttemptsExhausted(phone=phone, reason=reason))
        current = unchanged or await self.phone_verifications.load(phone)
        return await self.delivery_limiter.resend_in(
            phone, attempt, current.value, command.client_ip
        )


def _identity_of(check: CodeCheck) -> str | None:
    """Return the identity that a correct code is for; None if the code is not correct."""
    return check.match.code.login.identity_id if isinstance(check.match, Correct) else None

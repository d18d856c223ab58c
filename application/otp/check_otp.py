"""Check a one-time code, for a sign-in or for another purpose."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from application.code_derivation import CodeDerivation
from application.identities.session_factory import SESSION_ID_BYTES
from application.limits.attempt_limiter import AttemptLimiter, AttemptPermits
from application.limits.delivery_limiter import DeliveryLimiter
from application.otp.additions import OtpAdditions
from application.otp.events import BlockedLogin, OtpAttemptsExhausted
from application.otp.recognize_device import recognize_device
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import change
from domain.errors import AccountBlocked, TooManyAttempts, TooManyAttemptsFromIp
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.attempts import (
    Correct,
    CorrectAtBlockedPhone,
    Exhausted,
    LoginDecision,
    LoginRejection,
    OtpAttempt,
    Retried,
    UsedCode,
    VerificationResult,
    Wrong,
    used_code,
)
from domain.otp.challenge import OTHERS, OtpCode, Purpose
from domain.otp.compared_code import ComparedCode, compare_code, count_attempt
from domain.otp.delivery import Delivery, ValidDeviceToken, parse_request_id
from domain.otp.permits import Outcome
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber

_IDS_BYTES: Final = RANDOM_BYTES + SESSION_ID_BYTES


DecideLogin = Callable[
    [UsedCode, Versioned[Identity | None] | None, datetime], Awaitable[LoginDecision]
]
"""Decides about a code that is correct, for an identity or, if there is no value, for a new one."""


@dataclass(frozen=True, slots=True)
class CheckOtpCommand:
    """A code from `client_ip`, with the id of the request that it belongs to or without.

    Attributes:
        known_device: A device of the phone's identity, if the caller knows it; without a token.
        bound_to: The identity whose phone the code is to change, or the service token that asks.
        is_kept: A correct code stays unused, and nothing is counted.
    """

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device_token: DeviceToken | None = None
    known_device: ValidDeviceToken | None = None
    purpose: Purpose = Purpose.SIGN_IN
    bound_to: str | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOtp:
    """A code that was checked and counted.

    Attributes:
        permits: The permits of the attempt, until `CheckOtp.release` releases them.
        identity: The identity of the code that was used, if it was loaded. Its value is None if
            there is no such identity.
        rejection: Why a correct code logs nobody in, if `decide_login` decided that.
    """

    phone: PhoneNumber
    result: VerificationResult
    attempt: OtpAttempt
    permits: AttemptPermits
    identity: Versioned[Identity | None] | None
    rejection: LoginRejection | None = None

    @property
    def used_code(self) -> UsedCode | None:
        """The code that the client used, now or before; None if it is not correct."""
        return used_code(self.result)

    @property
    def attempts_left(self) -> int:
        return self.result.attempts_left if isinstance(self.result, Wrong) else 0


@dataclass(slots=True)
class _CodeAttempt:
    """An attempt while it is decided on, perhaps again after another request came in between.

    Attributes:
        identity: The identity that `decide_login` decided about.
        decision: What it decided.
        decided_identity_id: The id of that identity; None before the decision.
    """

    phone: PhoneNumber
    attempt: OtpAttempt
    permits: AttemptPermits
    named: Versioned[Identity] | None
    is_kept: bool
    compared: ComparedCode = field(init=False)
    identity: Versioned[Identity | None] | None = None
    decision: LoginDecision | None = None
    decided_identity_id: str | None = None


@dataclass(frozen=True, slots=True)
class CheckOtp:
    """Check a code, count the attempt, and use the code if it is correct.

    The steps are:

    1. The record of the phone is loaded, what the device token names, and the permit of the IP for
       an attempt that has neither an id nor a token.
    2. The code is compared (`compare_code`): how the client is recognized, which codes it may be,
       and on whom it counts.
    3. Attempts of one IP are limited over all phones. One with a valid request id, or of a
       recognized device, needs no permit: others share the IP. An attempt that counts on no
       particular client is limited per country and in total as well, unless it is not counted.
    4. `decide_login` decides about a correct code. A code that is rejected is used, and counts as
       any correct one, but it logs nobody in. Without a decision nothing is counted, and the code
       stays as it is.
    5. The attempt is counted, or the code is used: once (ASVS 5.0 6.5.1), however many requests
       race. After another request came in between, it is decided on again from step 2.

    The client that used a code may send it again, to complete what it is for: the caller decides
    what is left to do. That it is right is told after a write too.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    additions: OtpAdditions
    codes: CodeDerivation
    attempt_limiter: AttemptLimiter
    delivery_limiter: DeliveryLimiter
    keyed_hashes: KeyedHashes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(
        self, command: CheckOtpCommand, decide_login: DecideLogin | None = None
    ) -> CheckedOtp:
        """Check a code. `decide_login` decides about a correct one before it is used.

        Raises:
            AccountBlocked: the code is correct, and the phone is blocked.
            TooManyAttempts: with the time when a new code can be requested.
        """
        phone, now = command.phone, self.clock.now()
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        permits = self.attempt_limiter.permits_of(client_ip, phone.country, now)
        loading, token = self.phone_verifications.load(phone), command.device_token
        device, named = command.known_device, None
        if token is not None:
            loaded, (device, named) = await asyncio.gather(
                loading,
                recognize_device(self.identities, token, now),
            )
        elif command.request_id is None:
            loaded, _ = await asyncio.gather(loading, permits.try_ip())
        else:
            loaded = await loading
        random = self.randomness.bytes(_IDS_BYTES)
        attempt = OtpAttempt(
            code=command.code,
            client_ip=client_ip,
            now=now,
            digest_key=self.codes.digest_key(phone),
            request_id=command.request_id and parse_request_id(command.request_id),
            device=device,
            new_identity_id=make_identifier(now, random),
            new_session_id=random[-SESSION_ID_BYTES:].hex(),
            purpose=command.purpose,
            bound_to=command.bound_to,
        )
        code_attempt = _CodeAttempt(phone, attempt, permits, named, command.is_kept)
        try:
            result, identity = await self._decide_and_save(code_attempt, decide_login, loaded)
            if isinstance(result, Exhausted):
                raise TooManyAttempts(whole_seconds(now, result.until))
        except ConcurrencyConflict:  # nothing was counted
            await permits.release()
            raise
        except TooManyAttempts as error:
            await permits.release_for_others()  # others used up the counter meanwhile
            await self._complete(command, code_attempt, error)
            raise
        if isinstance(result, CorrectAtBlockedPhone):
            await permits.release()
            self.events.record(BlockedLogin(phone=phone))
            raise AccountBlocked
        if isinstance(result, Wrong) and not (
            result.is_counted and code_attempt.compared.client == OTHERS
        ):
            await permits.release_for_others()
        decision = code_attempt.decision
        return CheckedOtp(
            phone=phone,
            result=result,
            attempt=attempt,
            permits=permits,
            identity=identity,
            rejection=decision if isinstance(decision, LoginRejection) else None,
        )

    async def release(self, checked: CheckedOtp) -> None:
        """Release the permits of a correct code: its own, and those of deliveries that had it.

        Only the request that used the code holds those of deliveries. A login that was rejected
        keeps them.
        """
        if checked.used_code is None:
            return
        deliveries: Sequence[Delivery] = ()
        if isinstance(checked.result, Correct) and checked.rejection is None:
            deliveries = checked.result.code.deliveries
        await asyncio.gather(
            checked.permits.release(),
            *(
                self.delivery_limiter.settle(checked.phone, delivery, Outcome.LOGIN)
                for delivery in deliveries
            ),
        )

    async def _decide_and_save(
        self,
        code_attempt: _CodeAttempt,
        decide_login: DecideLogin | None,
        loaded: Versioned[PhoneVerification],
    ) -> tuple[VerificationResult, Versioned[Identity | None] | None]:
        """Decide on the attempt, and save what was decided."""
        successor, result = await self._decide(code_attempt, decide_login, loaded.value)
        if successor is loaded.value:
            return result, None
        is_loaded = code_attempt.is_kept or code_attempt.identity is not None
        used = None if is_loaded else used_code(result)
        # The identity is loaded meanwhile.
        is_saved, identity = await asyncio.gather(
            self.phone_verifications.save(code_attempt.phone, successor, loaded.version),
            self._load_identity(code_attempt, used),
        )
        if is_saved:
            return result, code_attempt.identity or identity

        async def decide_again(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, VerificationResult]:
            return await self._decide(code_attempt, decide_login, verification)

        return await change(self.phone_verifications, code_attempt.phone, decide_again), None

    async def _decide(
        self,
        code_attempt: _CodeAttempt,
        decide_login: DecideLogin | None,
        verification: PhoneVerification,
    ) -> tuple[PhoneVerification, VerificationResult]:
        """Compare the code, acquire what the attempt needs, and count it."""
        phone, attempt, permits = code_attempt.phone, code_attempt.attempt, code_attempt.permits
        derive_codes = partial(self.codes.derive_all, phone=phone, now=attempt.now)
        code_attempt.compared = compared = compare_code(verification, attempt, derive_codes)
        if not compared.has_own_attempts:
            await permits.acquire_for_ip()
        if compared.is_guess_of_others:
            await permits.acquire_for_others()
        if decide_login is not None and not compared.is_phone_blocked:
            await self._decide_login(code_attempt, decide_login, compared.correct_code)
        successor, result = count_attempt(verification, compared, code_attempt.decision)
        if code_attempt.is_kept and isinstance(result, Correct):
            successor = verification
        if successor is verification and isinstance(
            result, Correct | Retried | CorrectAtBlockedPhone
        ):
            # A right code is told after a write, which fails if a parallel guess was counted:
            # otherwise a burst of guesses would pass a counter that it uses up.
            successor = replace(verification)
        return successor, result

    async def _decide_login(
        self, code_attempt: _CodeAttempt, decide_login: DecideLogin, code: UsedCode | None
    ) -> None:
        """Decide about a correct code, and again if it logs in somebody else now."""
        if code is None or code.login.identity_id == code_attempt.decided_identity_id:
            return
        try:
            code_attempt.identity = await self._load_identity(code_attempt, code)
            code_attempt.decision = await decide_login(
                code, code_attempt.identity, code_attempt.attempt.now
            )
        except BaseException:  # also if the client has gone meanwhile
            await code_attempt.permits.release()
            raise
        code_attempt.decided_identity_id = code.login.identity_id

    async def _load_identity(
        self, code_attempt: _CodeAttempt, code: UsedCode | None
    ) -> Versioned[Identity | None] | None:
        """Return the identity of a code: that of the device token, or one that is loaded.

        That of the token may be older than the code. It is used where the login writes it, which
        only succeeds if it is unchanged.
        """
        if code is None or not code.login.identity_id:  # that of a verification
            return None
        identity_id, named = code.login.identity_id, code_attempt.named
        if identity_id == code_attempt.attempt.new_identity_id:  # it is random, so nobody has it
            return Versioned(None, 0)
        if named is not None and named.value.id == identity_id:
            identity = named.value
            if identity.phone == code_attempt.phone and not (
                identity.is_closed or identity.is_blocked
            ):
                return Versioned(identity, named.version)
        return await self.identities.load(identity_id) or Versioned(None, 0)

    async def _complete(
        self, command: CheckOtpCommand, code_attempt: _CodeAttempt, error: TooManyAttempts
    ) -> None:
        reason = "for this phone"
        if isinstance(error, TooManyAttemptsFromIp):
            reason = "of this IP, for all phones"
        elif code_attempt.compared.is_guess_of_others:
            reason = "of others, for all phones"
        self.events.record(OtpAttemptsExhausted(phone=code_attempt.phone, reason=reason))
        error.resend_in = await self.delivery_limiter.resend_in(
            code_attempt.phone, code_attempt.compared, command.client_ip
        )

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from application.ports.identities import Identities
from application.ports.otp_keys import OtpKeys
from application.ports.phone_verifications import PhoneVerifications
from application.ports.randomness import Randomness
from application.ports.rate_limiter import RateLimiter
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.ports.versioned import Versioned
from application.update import update_phone_verification
from domain.errors import TooManyAttempts
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.challenge import (
    CHALLENGE_ID_BYTES,
    MAX_ACTIVE_CHALLENGES,
    NONCE_BYTES,
    Challenge,
    Purpose,
)
from domain.otp.phone_verification import PhoneVerification, whole_seconds
from domain.otp.rate_limits import RateLimits, Reservation
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber

DRAW_ID_BYTES = 8


@dataclass(slots=True)
class Verdict:
    """What was judged, whose phone it is, and that identity as it was read beside the swap."""

    judged: VerificationResult
    identity_id: str
    identity: Versioned[Identity] | None = None


@dataclass(frozen=True, slots=True)
class CheckOtp:
    """Have an answer judged and counted by the phone's record, and by its address's budget.

    What does not wait for an answer of the database goes out beside it: a right answer costs two
    round trips here.
    """

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    identities: Identities
    otp_keys: OtpKeys
    randomness: Randomness
    events: SecurityEvents
    rate_limits: RateLimits
    test_otps: TestOtps

    async def __call__(self, phone: PhoneNumber, answer: OtpAttempt) -> Verdict:
        """Raises TooManyAttempts, whose time is the later of phone and address; StorageUnavailable."""
        now = answer.now
        draw_id = self.randomness.bytes(DRAW_ID_BYTES).hex()
        draw = Reservation(draw_id, now, self.rate_limits.for_verification(answer.client_ip))
        fresh_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))

        def decide(record: PhoneVerification) -> tuple[PhoneVerification, Verdict]:
            record, judged = record.verify(answer, self._codes(record, phone, answer))
            identity_id = record.identity_id or fresh_id
            if judged.is_correct:
                record = record.assign_identity(identity_id)
            return record, Verdict(judged, identity_id)

        loaded, free_at = await asyncio.gather(
            self.phone_verifications.load(phone), self.rate_limiter.acquire(draw)
        )
        try:
            if free_at is None:
                return await update_phone_verification(
                    self.phone_verifications, phone, decide, self._with_identity, loaded
                )
            decide(loaded.value)
        except TooManyAttempts as refusal:
            self._emit_exhausted(phone, answer, "attempts for this phone")
            free_at = free_at or await self.rate_limiter.next_available(draw)
            retry_after = max(refusal.retry_after, whole_seconds(now, free_at))
            raise TooManyAttempts(retry_after) from None
        self._emit_exhausted(phone, answer, "attempts from this IP")
        raise TooManyAttempts(whole_seconds(now, free_at))

    async def _with_identity(self, verdict: Verdict, swap: Callable[[], Awaitable[bool]]) -> bool:
        if not verdict.judged.is_correct:
            return await swap()
        # Should it be old by the time that a session is opened, its own swap tells.
        is_won, verdict.identity = await asyncio.gather(
            swap(), self.identities.load(verdict.identity_id)
        )
        return is_won

    def _emit_exhausted(self, phone: PhoneNumber, answer: OtpAttempt, reason: str) -> None:
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.OTP_ATTEMPTS_EXHAUSTED,
                phone=phone,
                client_ip=answer.client_ip,
                reason=reason,
            )
        )

    def _codes(
        self, record: PhoneVerification, phone: PhoneNumber, answer: OtpAttempt
    ) -> dict[str, str]:
        """Derive as many codes for any phone, so that the time tells nothing of it."""
        now = answer.now
        live = record.active_challenges(now)
        padding = (self._nobodys_challenge(now),) * (MAX_ACTIVE_CHALLENGES - len(live))
        codes = {
            challenge.id: challenge.derive_code(pepper, phone) if pepper else ""
            for challenge in (*live, *padding)
            for pepper in [self.otp_keys.find_key(challenge.key_id)]
        }
        fixed = self.test_otps.find_code(phone, now)
        return codes if fixed is None else dict.fromkeys(codes, fixed.digits)

    def _nobodys_challenge(self, now: datetime) -> Challenge:
        return Challenge(
            id="-" * 2 * CHALLENGE_ID_BYTES,  # as long as any, and no record has it
            purpose=Purpose.SIGN_IN,
            nonce=bytes(NONCE_BYTES),
            key_id=self.otp_keys.current_id(),
            created_at=now,
            expires_at=now,
        )

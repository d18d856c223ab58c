import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from application.ports.budgets import Budgets
from application.ports.identities import Identities
from application.ports.peppers import Peppers
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.ports.versioned import Versioned
from application.swaps import decide_on_phone
from domain.errors import TooManyTries
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Draw, SharedLimits
from domain.sign_in.challenge import ID_BYTES, MOST_LIVE, NONCE_BYTES, Challenge, Purpose
from domain.sign_in.decisions import Answer, Judged
from domain.sign_in.fixed_codes import FixedCodes
from domain.sign_in.phone_record import PhoneRecord, whole_seconds

DRAW_ID_BYTES = 8


@dataclass(slots=True)
class Verdict:
    """What was judged, whose phone it is, and that identity as it was read beside the swap."""

    judged: Judged
    identity_id: str
    identity: Versioned[Identity] | None = None


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """Have an answer judged and counted by the phone's record, and by its address's budget.

    What does not wait for an answer of the database goes out beside it: a right answer costs two
    round trips here.
    """

    phone_records: PhoneRecords
    budgets: Budgets
    identities: Identities
    peppers: Peppers
    randomness: Randomness
    events: SecurityEvents
    shared_limits: SharedLimits
    fixed_codes: FixedCodes

    async def __call__(self, phone: PhoneNumber, answer: Answer) -> Verdict:
        """Raises TooManyTries, whose time is the later of phone and address; StoreUnavailable."""
        now = answer.now
        draw_id = self.randomness.bytes(DRAW_ID_BYTES).hex()
        draw = Draw(draw_id, now, self.shared_limits.of_check(answer.address))
        fresh_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, Verdict]:
            record, judged = record.judge(answer, self._codes(record, phone, answer))
            identity_id = record.identity_id or fresh_id
            if judged.is_right:
                record = record.owned_by(identity_id)
            return record, Verdict(judged, identity_id)

        loaded, free_at = await asyncio.gather(
            self.phone_records.load(phone), self.budgets.take(draw)
        )
        try:
            if free_at is None:
                return await decide_on_phone(
                    self.phone_records, phone, decide, self._with_identity, loaded
                )
            decide(loaded.value)
        except TooManyTries as refusal:
            self._emit_exhausted(phone, answer, "attempts for this phone")
            free_at = free_at or await self.budgets.free_at(draw)
            retry_after = max(refusal.retry_after, whole_seconds(now, free_at))
            raise TooManyTries(retry_after) from None
        self._emit_exhausted(phone, answer, "attempts from this IP")
        raise TooManyTries(whole_seconds(now, free_at))

    async def _with_identity(self, verdict: Verdict, swap: Callable[[], Awaitable[bool]]) -> bool:
        if not verdict.judged.is_right:
            return await swap()
        # Should it be old by the time that a session is opened, its own swap tells.
        is_won, verdict.identity = await asyncio.gather(
            swap(), self.identities.load(verdict.identity_id)
        )
        return is_won

    def _emit_exhausted(self, phone: PhoneNumber, answer: Answer, reason: str) -> None:
        self.events.emit(
            SecurityEvent(
                type=SecurityEventType.OTP_ATTEMPTS_EXHAUSTED,
                phone=phone,
                client_ip=answer.address,
                reason=reason,
            )
        )

    def _codes(self, record: PhoneRecord, phone: PhoneNumber, answer: Answer) -> dict[str, str]:
        """Derive as many codes for any phone, so that the time tells nothing of it."""
        now = answer.now
        live = record.live_challenges(now)
        padding = (self._nobodys_challenge(now),) * (MOST_LIVE - len(live))
        codes = {
            challenge.id: challenge.code(pepper, phone) if pepper else ""
            for challenge in (*live, *padding)
            for pepper in [self.peppers.key(challenge.key_id)]
        }
        fixed = self.fixed_codes.code(phone, now)
        return codes if fixed is None else dict.fromkeys(codes, fixed.digits)

    def _nobodys_challenge(self, now: datetime) -> Challenge:
        return Challenge(
            id="-" * 2 * ID_BYTES,  # as long as any, and no record has it
            purpose=Purpose.SIGN_IN,
            nonce=bytes(NONCE_BYTES),
            key_id=self.peppers.current(),
            created=now,
            expires=now,
        )

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.identities.phone_owner import claim_phone
from application.identities.session_tokens import SessionTokens, Tokens
from application.ports.budgets import Budgets
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.peppers import Peppers
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.ports.security_events import Fact, SecurityEvent, SecurityEvents
from application.ports.versioned import Versioned
from application.sign_in.request_code import CHALLENGE_ID_BYTES
from application.swaps import ROUNDS, decide_on_phone
from domain.errors import TooManyTries, Unavailable
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Draw, SharedLimits
from domain.sign_in.challenge import NONCE_BYTES, Challenge, Purpose
from domain.sign_in.code import Code
from domain.sign_in.decisions import Answer, Judged
from domain.sign_in.fixed_codes import FixedCodes
from domain.sign_in.phone_record import PhoneRecord, whole_seconds
from domain.sign_in.send import Send

DRAW_ID_BYTES = 8
MOST_LIVE: Final = 2
"""How many challenges of a phone may be live at once."""


@dataclass(frozen=True, slots=True)
class AnswerWithCode:
    """Somebody at `address` answers with a code, naming the request that brought it or not."""

    phone: PhoneNumber
    code: Code
    address: str
    request_id: str | None = None
    device: str | None = None
    wants_refresh: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The answer was right."""

    tokens: Tokens


@dataclass(frozen=True, slots=True)
class CodeRejected:
    """The answer was wrong, late, used before or never due; nobody is told which."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class VerifyCode:
    """Sign somebody in who holds a phone.

    - A code is taken once (ASVS 5.0 6.5.1), however many ask at the same time.
    - No answer leaves before the try that it cost is on record.
    - An address has so many answers an hour, whatever phones they are for.
    - The first right answer for a phone makes its identity; one deleted since gives way to a
      new one, under a new id.
    - A block that comes between the judgement and the session is as good as one before it.
    """

    phone_records: PhoneRecords
    budgets: Budgets
    identities: Identities
    peppers: Peppers
    session_tokens: SessionTokens
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    shared_limits: SharedLimits
    fixed_codes: FixedCodes

    async def __call__(self, given: AnswerWithCode) -> SignedIn | CodeRejected:
        """Raises TooManyTries, Unavailable."""
        now = self.clock.now()
        try:
            verdict = await self._judge(given, now)
            if not verdict.judged.is_right:
                return self._rejected(given, verdict.judged)
            session = self.session_tokens.begin(now, given.device, refreshing=given.wants_refresh)
            identity_id, _ = await asyncio.gather(
                self._open(session, given.phone, verdict),
                self._give_slot_back(verdict.judged.brought_by),
            )
        except StoreUnavailable as error:
            raise Unavailable from error
        if identity_id is None:
            return self._rejected(given, verdict.judged)
        self._tell(Fact.CODE_VERIFIED, given, identity_id=identity_id)
        if self.fixed_codes.code(given.phone, now) is not None:
            self._tell(Fact.TEST_NUMBER_USED, given, identity_id=identity_id, reason="signed in")
        return SignedIn(self.session_tokens.of(identity_id, session, now))

    async def _judge(self, given: AnswerWithCode, now: datetime) -> "_Verdict":
        draw = Draw(
            self.randomness.bytes(DRAW_ID_BYTES).hex(),
            now,
            self.shared_limits.of_check(given.address),
        )
        answer = Answer(given.code, given.address, now, given.request_id)
        fresh_id = self._fresh_identity_id(now)

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, _Verdict]:
            codes = self._codes(record, given.phone, now)
            record, judged = record.judge(answer, codes)
            identity_id = record.identity_id or fresh_id
            if judged.is_right:
                record = record.owned_by(identity_id)
            return record, _Verdict(judged, identity_id)

        async def with_identity(verdict: _Verdict, swap: Callable[[], Awaitable[bool]]) -> bool:
            if not verdict.judged.is_right:
                return await swap()
            # Beside the swap saves a round trip; were it old by then, its own swap would tell.
            is_won, verdict.identity = await asyncio.gather(
                swap(), self.identities.load(verdict.identity_id)
            )
            return is_won

        loaded, free_at = await asyncio.gather(
            self.phone_records.load(given.phone), self.budgets.take(draw)
        )
        try:
            if free_at is None:
                return await decide_on_phone(
                    self.phone_records, given.phone, decide, with_identity, loaded
                )
            decide(loaded.value)
        except TooManyTries as refusal:
            self._tell(Fact.TRIES_SPENT, given, reason="for this phone")
            free_at = free_at or await self.budgets.free_at(draw)
            retry_after = max(refusal.retry_after, whole_seconds(now, free_at))
            raise TooManyTries(retry_after) from None
        self._tell(Fact.TRIES_SPENT, given, reason="of this address, for all phones")
        raise TooManyTries(whole_seconds(now, free_at))

    def _rejected(self, given: AnswerWithCode, judged: Judged) -> CodeRejected:
        self._tell(Fact.TRY_COUNTED, given, tries_left=judged.tries_left)
        return CodeRejected(judged.tries_left)

    def _tell(
        self,
        fact: Fact,
        given: AnswerWithCode,
        *,
        identity_id: str | None = None,
        reason: str | None = None,
        tries_left: int | None = None,
    ) -> None:
        self.events.tell(
            SecurityEvent(
                fact=fact,
                phone=given.phone,
                address=given.address,
                identity_id=identity_id,
                reason=reason,
                tries_left=tries_left,
            )
        )

    async def _give_slot_back(self, send: Send | None) -> None:
        if send is None:
            return
        budgets = self.shared_limits.of_asker(send.address)
        # Where it cannot be given back it lapses by itself.
        with suppress(StoreUnavailable):
            await self.budgets.give_back(Draw(send.request_id, send.at, budgets))

    def _codes(self, record: PhoneRecord, phone: PhoneNumber, now: datetime) -> dict[str, str]:
        """Derive as many codes for any phone, so that the time tells nothing of it."""
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
            id="-" * 2 * CHALLENGE_ID_BYTES,  # as long as any, and no record has it
            purpose=Purpose.SIGN_IN,
            nonce=bytes(NONCE_BYTES),
            key_id=self.peppers.current(),
            created=now,
            expires=now,
        )

    async def _open(self, session: Session, phone: PhoneNumber, verdict: "_Verdict") -> str | None:
        """Give the id of the identity that the session is open at; None when it is blocked."""
        identity_id, loaded = verdict.identity_id, verdict.identity
        for _ in range(ROUNDS):
            if loaded is None:
                identity = Identity(identity_id, phone, session.created)
                if await self.identities.add(identity.signed_in(session)):
                    return identity_id
            elif not loaded.value.is_alive:
                fresh_id = self._fresh_identity_id(session.created)
                owner = await claim_phone(self.phone_records, phone, fresh_id, identity_id)
                if owner.is_blocked:
                    return None
                identity_id = owner.identity_id
            elif loaded.value.is_blocked:
                return None
            elif await self.identities.replace(loaded.value.signed_in(session), loaded.version):
                return identity_id
            loaded = await self.identities.load(identity_id)
        raise StoreUnavailable("too many sign-ins at one identity")

    def _fresh_identity_id(self, now: datetime) -> str:
        return make_identifier(now, self.randomness.bytes(RANDOM_BYTES))


@dataclass(slots=True)
class _Verdict:
    """What was judged, whose phone it is, and that identity as it was read beside the swap."""

    judged: Judged
    identity_id: str
    identity: Versioned[Identity] | None = None

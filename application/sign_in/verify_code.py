import asyncio
from contextlib import suppress
from dataclasses import dataclass

from application.identities.open_session import OpenSession
from application.identities.session_tokens import SessionTokens, Tokens
from application.ports.budgets import Budgets
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.sign_in.judge_answer import JudgeAnswer
from domain.errors import Unavailable
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Draw, SharedLimits
from domain.sign_in.code import Code
from domain.sign_in.decisions import Answer, Judged
from domain.sign_in.fixed_codes import FixedCodes
from domain.sign_in.send import Send


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

    judge_answer: JudgeAnswer
    open_session: OpenSession
    budgets: Budgets
    session_tokens: SessionTokens
    clock: Clock
    events: SecurityEvents
    shared_limits: SharedLimits
    fixed_codes: FixedCodes

    async def __call__(self, given: AnswerWithCode) -> SignedIn | CodeRejected:
        """Raises TooManyTries, Unavailable."""
        now = self.clock.now()
        answer = Answer(given.code, given.address, now, given.request_id)
        try:
            verdict = await self.judge_answer(given.phone, answer)
            if not verdict.judged.is_right:
                return self._rejected(given, verdict.judged)
            session = self.session_tokens.begin(now, given.device, refreshing=given.wants_refresh)
            identity_id, _ = await asyncio.gather(
                self.open_session(session, given.phone, verdict.identity_id, verdict.identity),
                self._give_slot_back(verdict.judged.brought_by),
            )
        except StoreUnavailable as error:
            raise Unavailable from error
        if identity_id is None:
            return self._rejected(given, verdict.judged)
        self._emit(SecurityEventType.LOGIN_SUCCEEDED, given, identity_id=identity_id)
        if self.fixed_codes.code(given.phone, now) is not None:
            self._emit(
                SecurityEventType.TEST_OTP_USED, given, identity_id=identity_id, reason="verified"
            )
        return SignedIn(self.session_tokens.of(identity_id, session, now))

    def _rejected(self, given: AnswerWithCode, judged: Judged) -> CodeRejected:
        self._emit(SecurityEventType.OTP_VERIFICATION_FAILED, given, tries_left=judged.tries_left)
        return CodeRejected(judged.tries_left)

    def _emit(
        self,
        event_type: SecurityEventType,
        given: AnswerWithCode,
        *,
        identity_id: str | None = None,
        reason: str | None = None,
        tries_left: int | None = None,
    ) -> None:
        self.events.emit(
            SecurityEvent(
                type=event_type,
                phone=given.phone,
                client_ip=given.address,
                user_id=identity_id,
                reason=reason,
                attempts_left=tries_left,
            )
        )

    async def _give_slot_back(self, send: Send | None) -> None:
        if send is None:
            return
        budgets = self.shared_limits.of_asker(send.address)
        # Where it cannot be given back it lapses by itself.
        with suppress(StoreUnavailable):
            await self.budgets.give_back(Draw(send.request_id, send.at, budgets))

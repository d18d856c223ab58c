from dataclasses import dataclass
from datetime import datetime, timedelta

from application.identities.phone_owner import claim_phone
from application.ports.access_tokens import AccessTokens, TokenClaims
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.peppers import Peppers
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.swaps import ROUNDS, decide_on_phone
from domain.errors import Unavailable
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.phone import PhoneNumber
from domain.sign_in.code import Code
from domain.sign_in.decisions import Answer, Judged
from domain.sign_in.phone_record import PhoneRecord

SESSION_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class AnswerWithCode:
    """Somebody at `address` answers with a code, naming the request that brought it or not."""

    phone: PhoneNumber
    code: Code
    address: str
    request_id: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The answer was right; `expires_in` is whole seconds."""

    access_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class CodeRejected:
    """The answer was wrong, late, used before or never due; nobody is told which."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class VerifyCode:
    """Sign somebody in who holds a phone.

    - A code is taken once (ASVS 5.0 6.5.1), however many ask at the same time.
    - No answer leaves before the try that it cost is on record.
    - The first right answer for a phone makes its identity; one deleted since gives way to a
      new one, under a new id.
    - A block that comes between the judgement and the session is as good as one before it.
    """

    phone_records: PhoneRecords
    identities: Identities
    peppers: Peppers
    tokens: AccessTokens
    clock: Clock
    randomness: Randomness
    token_lifetime: timedelta

    async def __call__(self, given: AnswerWithCode) -> SignedIn | CodeRejected:
        """Raises TooManyTries, Unavailable."""
        now = self.clock.now()
        try:
            judged, identity_id = await self._judge(given, now)
            if not judged.is_right:
                return CodeRejected(judged.tries_left)
            session = Session(
                id=self.randomness.bytes(SESSION_ID_BYTES).hex(),
                created=now,
                expires=now + self.token_lifetime,
                device=given.device,
            )
            opened_at = await self._open(session, given.phone, identity_id)
        except StoreUnavailable as error:
            raise Unavailable from error
        if opened_at is None:
            return CodeRejected(judged.tries_left)
        claims = TokenClaims(opened_at, session.id, session.created, session.expires)
        lifetime = int(self.token_lifetime.total_seconds())
        return SignedIn(self.tokens.issue(claims), lifetime)

    async def _judge(self, given: AnswerWithCode, now: datetime) -> tuple[Judged, str]:
        answer = Answer(given.code, given.address, now, given.request_id)
        fresh_id = self._fresh_identity_id(now)

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, tuple[Judged, str]]:
            codes = self._codes(record, given.phone, now)
            record, judged = record.judge(answer, codes)
            identity_id = record.identity_id or fresh_id
            if judged.is_right:
                record = record.owned_by(identity_id)
            return record, (judged, identity_id)

        return await decide_on_phone(self.phone_records, given.phone, decide)

    def _codes(self, record: PhoneRecord, phone: PhoneNumber, now: datetime) -> dict[str, str]:
        return {
            challenge.id: challenge.code(pepper, phone) if pepper else ""
            for challenge in record.live_challenges(now)
            for pepper in [self.peppers.key(challenge.key_id)]
        }

    async def _open(self, session: Session, phone: PhoneNumber, identity_id: str) -> str | None:
        """Give the id of the identity that the session is open at; None when it is blocked."""
        for _ in range(ROUNDS):
            loaded = await self.identities.load(identity_id)
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
        raise StoreUnavailable("too many sign-ins at one identity")

    def _fresh_identity_id(self, now: datetime) -> str:
        return make_identifier(now, self.randomness.bytes(RANDOM_BYTES))

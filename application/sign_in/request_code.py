from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from application.ports.budgets import Budgets
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.message_texts import MessageTexts, WantedText
from application.ports.messenger import Messenger, Outcome
from application.ports.peppers import Peppers
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.sign_in.payment import BudgetSpent, Payment
from application.swaps import decide_on_phone
from domain.errors import (
    CountryNotServed,
    MessageNotSent,
    PhoneUnreachable,
    TooManyAsks,
    Unavailable,
)
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Draw, SharedLimits
from domain.sign_in.challenge import LIFETIME, NONCE_BYTES, Challenge, Purpose
from domain.sign_in.code import Code
from domain.sign_in.decisions import Ask, Asked
from domain.sign_in.phone_record import PhoneRecord, whole_seconds
from domain.sign_in.send import SendLimits
from domain.sign_in.texts.form import TextForm

REQUEST_ID_BYTES = 16
CHALLENGE_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class AskForCode:
    """Somebody at `address` (an IPv4 address, or an IPv6 /64) wants a code for a phone."""

    phone: PhoneNumber
    address: str
    form: TextForm = field(default_factory=TextForm)


@dataclass(frozen=True, slots=True)
class CodeSent:
    """What the caller may know; times are whole seconds. `sent` is False for a repeat."""

    request_id: str
    sent: bool
    expires_in: int
    resend_in: int


@dataclass(frozen=True, slots=True)
class RequestCode:
    """Send a sign-in code to a phone.

    - Asking again within the cool-down sends nothing and refers to the message already sent.
    - A budget that is spent refuses before anything is written: the phone's own, in its record,
      and those of the address, of the country and of all together.
    - The text is in the form that was asked for, or the next best; the code is the same.
    - The send is on record before the message leaves, so no race sends one too many.
    - A message that no sender would have costs the caller nothing.
    - When nobody knows what became of it, it counts as sent.
    """

    phone_records: PhoneRecords
    budgets: Budgets
    peppers: Peppers
    messenger: Messenger
    clock: Clock
    randomness: Randomness
    texts: MessageTexts
    countries: Collection[str] | None
    limits: SendLimits
    shared_limits: SharedLimits

    async def __call__(self, wanted: AskForCode) -> CodeSent:
        """Raises CountryNotServed, TooManyAsks, PhoneUnreachable, MessageNotSent, Unavailable."""
        if self.countries is not None and wanted.phone.country not in self.countries:
            raise CountryNotServed
        ask = self._ask(wanted.address)
        draw = Draw(
            ask.new_request_id,
            ask.now,
            self.shared_limits.of_send(wanted.address, wanted.phone.country),
        )
        try:
            asked = await self._record(wanted.phone, ask, Payment(self.budgets, draw))
        except StoreUnavailable as error:
            raise Unavailable from error
        if asked.is_new:
            await self._send(wanted, asked, draw)
        now = self.clock.now()
        return CodeSent(
            request_id=asked.send.request_id,
            sent=asked.is_new,
            expires_in=whole_seconds(now, asked.challenge.expires),
            resend_in=whole_seconds(now, asked.next_ask_at),
        )

    def _ask(self, address: str) -> Ask:
        now = self.clock.now()
        challenge = Challenge(
            id=self.randomness.bytes(CHALLENGE_ID_BYTES).hex(),
            purpose=Purpose.SIGN_IN,
            nonce=self.randomness.bytes(NONCE_BYTES),
            key_id=self.peppers.current(),
            created=now,
            expires=now + LIFETIME,
        )
        return Ask(address, now, challenge, self.randomness.bytes(REQUEST_ID_BYTES).hex())

    async def _record(self, phone: PhoneNumber, ask: Ask, payment: Payment) -> Asked:
        def decide(record: PhoneRecord) -> tuple[PhoneRecord, Asked]:
            return record.without_lost_keys(self._has_key).ask(ask, self.limits)

        async def paid(asked: Asked, swap: Callable[[], Awaitable[bool]]) -> bool:
            if asked.is_new:
                await payment.make()
            return await swap()

        is_sent = False
        try:
            asked = await decide_on_phone(self.phone_records, phone, decide, paid)
            is_sent = asked.is_new
        except BudgetSpent as spent:
            # Who took the last slots may have asked for this phone: then that is the answer.
            _, asked = decide((await self.phone_records.load(phone)).value)
            if asked.is_new:
                raise TooManyAsks(whole_seconds(ask.now, spent.free_at)) from None
        except TooManyAsks as refusal:
            await payment.refund()
            free_at = await self.budgets.free_at(payment.draw)
            raise TooManyAsks(max(refusal.retry_after, whole_seconds(ask.now, free_at))) from None
        finally:
            if not is_sent:
                await payment.refund()
        return asked

    def _has_key(self, key_id: str) -> bool:
        return self.peppers.key(key_id) is not None

    async def _send(self, wanted: AskForCode, asked: Asked, draw: Draw) -> None:
        pepper = self.peppers.key(asked.challenge.key_id)
        if pepper is None:
            raise Unavailable
        code = Code(asked.challenge.code(pepper, wanted.phone))
        lifetime = asked.challenge.expires - asked.send.at
        text = self.texts.text(WantedText(wanted.phone.country, wanted.form, code, lifetime))
        handover = await self.messenger.send(wanted.phone, text)
        match handover.outcome:
            case Outcome.ACCEPTED | Outcome.UNKNOWN:
                return
            case Outcome.BAD_NUMBER:
                # The address pays for it, or numbers could be tried out for nothing.
                own = self.shared_limits.of_asker(wanted.address)
                others = tuple(one for one in draw.budgets if one not in own)
                await self._take_back(wanted.phone, replace(draw, budgets=others))
                raise PhoneUnreachable
            case Outcome.REFUSED:
                await self._take_back(wanted.phone, draw)
                raise MessageNotSent(handover.reason or None)

    async def _take_back(self, phone: PhoneNumber, draw: Draw) -> None:
        def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
            return record.taken_back(draw.id), None

        # The caller learns that nothing was sent, which stays true; what cannot be given back
        # now ends by itself.
        with suppress(StoreUnavailable):
            await decide_on_phone(self.phone_records, phone, decide)
        with suppress(StoreUnavailable):
            await self.budgets.give_back(draw)

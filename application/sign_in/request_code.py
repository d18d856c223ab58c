from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.message_texts import MessageTexts, WantedText
from application.ports.messenger import Messenger, Outcome
from application.ports.peppers import Peppers
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.swaps import decide_on_phone
from domain.errors import CountryNotServed, MessageNotSent, PhoneUnreachable, Unavailable
from domain.phone import PhoneNumber
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
    - A budget that is spent refuses before anything is written.
    - The text is in the form that was asked for, or the next best; the code is the same.
    - The send is on record before the message leaves, so no race sends one too many.
    - A message that no sender would have costs the caller nothing.
    - When nobody knows what became of it, it counts as sent.
    """

    phone_records: PhoneRecords
    peppers: Peppers
    messenger: Messenger
    clock: Clock
    randomness: Randomness
    texts: MessageTexts
    countries: Collection[str] | None
    limits: SendLimits

    async def __call__(self, wanted: AskForCode) -> CodeSent:
        """Raises CountryNotServed, TooManyAsks, PhoneUnreachable, MessageNotSent, Unavailable."""
        if self.countries is not None and wanted.phone.country not in self.countries:
            raise CountryNotServed
        try:
            asked = await self._record(wanted)
        except StoreUnavailable as error:
            raise Unavailable from error
        if asked.is_new:
            await self._send(wanted, asked)
        now = self.clock.now()
        return CodeSent(
            request_id=asked.send.request_id,
            sent=asked.is_new,
            expires_in=whole_seconds(now, asked.challenge.expires),
            resend_in=whole_seconds(now, asked.next_ask_at),
        )

    async def _record(self, wanted: AskForCode) -> Asked:
        now = self.clock.now()
        challenge = Challenge(
            id=self.randomness.bytes(CHALLENGE_ID_BYTES).hex(),
            purpose=Purpose.SIGN_IN,
            nonce=self.randomness.bytes(NONCE_BYTES),
            key_id=self.peppers.current(),
            created=now,
            expires=now + LIFETIME,
        )
        ask = Ask(wanted.address, now, challenge, self.randomness.bytes(REQUEST_ID_BYTES).hex())

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, Asked]:
            return record.without_lost_keys(self._has_key).ask(ask, self.limits)

        return await decide_on_phone(self.phone_records, wanted.phone, decide)

    def _has_key(self, key_id: str) -> bool:
        return self.peppers.key(key_id) is not None

    async def _send(self, wanted: AskForCode, asked: Asked) -> None:
        phone = wanted.phone
        pepper = self.peppers.key(asked.challenge.key_id)
        if pepper is None:
            raise Unavailable
        code = Code(asked.challenge.code(pepper, phone))
        lifetime = asked.challenge.expires - asked.send.at
        text = self.texts.text(WantedText(phone.country, wanted.form, code, lifetime))
        handover = await self.messenger.send(phone, text)
        if handover.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            return
        await self._take_back(phone, asked.send.request_id)
        if handover.outcome is Outcome.BAD_NUMBER:
            raise PhoneUnreachable
        raise MessageNotSent(handover.reason or None)

    async def _take_back(self, phone: PhoneNumber, request_id: str) -> None:
        def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
            return record.taken_back(request_id), None

        # The caller learns that nothing was sent, which stays true; the slot then ends by itself.
        with suppress(StoreUnavailable):
            await decide_on_phone(self.phone_records, phone, decide)

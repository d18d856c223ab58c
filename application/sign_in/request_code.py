from collections.abc import Collection
from dataclasses import dataclass, field, replace

from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.messenger import Outcome
from application.ports.peppers import Peppers
from application.ports.randomness import Randomness
from application.ports.security_events import SecurityEvent, SecurityEvents, SecurityEventType
from application.sign_in.record_ask import RecordAsk
from application.sign_in.send_code import SendCode
from domain.errors import (
    CountryNotServed,
    MessageNotSent,
    PhoneUnreachable,
    TooManyAsks,
    Unavailable,
)
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Draw, SharedLimits
from domain.sign_in.challenge import ID_BYTES, LIFETIME, NONCE_BYTES, Challenge, Purpose
from domain.sign_in.decisions import Ask, Asked
from domain.sign_in.fixed_codes import LIMITS as FIXED_LIMITS
from domain.sign_in.fixed_codes import FixedCodes
from domain.sign_in.phone_record import whole_seconds
from domain.sign_in.send import SendLimits
from domain.sign_in.texts.form import TextForm

REQUEST_ID_BYTES = 16


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
    - For a blocked phone all is counted and answered as for any other, and nothing leaves.
    - To a test number nothing is sent, and there is no cool-down.
    """

    record_ask: RecordAsk
    send_code: SendCode
    peppers: Peppers
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    limits: SendLimits
    shared_limits: SharedLimits
    fixed_codes: FixedCodes

    async def __call__(self, wanted: AskForCode) -> CodeSent:
        """Raises CountryNotServed, TooManyAsks, PhoneUnreachable, MessageNotSent, Unavailable."""
        ask = self._ask(wanted.address)
        is_fixed = self.fixed_codes.code(wanted.phone, ask.now) is not None
        if not (is_fixed or self.countries is None or wanted.phone.country in self.countries):
            self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, "country not served")
            raise CountryNotServed
        draw = self._draw(wanted, ask, is_fixed=is_fixed)
        limits = FIXED_LIMITS if is_fixed else self.limits
        try:
            asked = await self.record_ask(wanted.phone, ask, draw, limits)
        except TooManyAsks:
            self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, "rate limit")
            raise
        except StoreUnavailable as error:
            raise Unavailable from error
        self._emit(
            SecurityEventType.OTP_REQUESTED, wanted, "" if asked.is_new else "within the cooldown"
        )
        if is_fixed:
            self._emit(SecurityEventType.TEST_OTP_USED, wanted, "requested")
        elif asked.is_new:
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
            id=self.randomness.bytes(ID_BYTES).hex(),
            purpose=Purpose.SIGN_IN,
            nonce=self.randomness.bytes(NONCE_BYTES),
            key_id=self.peppers.current(),
            created=now,
            expires=now + LIFETIME,
        )
        return Ask(address, now, challenge, self.randomness.bytes(REQUEST_ID_BYTES).hex())

    def _draw(self, wanted: AskForCode, ask: Ask, *, is_fixed: bool) -> Draw:
        shared = self.shared_limits
        # To a test number nothing is sent that a country's or everybody's budget would pay for.
        budgets = (
            shared.of_asker(wanted.address)
            if is_fixed
            else shared.of_send(wanted.address, wanted.phone.country)
        )
        return Draw(ask.new_request_id, ask.now, budgets)

    async def _send(self, wanted: AskForCode, asked: Asked, draw: Draw) -> None:
        handover = await self.send_code(wanted.phone, wanted.form, asked)
        match handover.outcome:
            case Outcome.ACCEPTED | Outcome.UNKNOWN:
                event_type = (
                    SecurityEventType.OTP_DELIVERED
                    if asked.goes_out
                    else SecurityEventType.OTP_SUPPRESSED
                )
                self._emit(event_type, wanted, handover.reason)
            case Outcome.BAD_NUMBER:
                self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, handover.reason)
                # The address pays for it, or numbers could be tried out for nothing.
                own = self.shared_limits.of_asker(wanted.address)
                others = tuple(one for one in draw.budgets if one not in own)
                await self.record_ask.take_back(wanted.phone, replace(draw, budgets=others))
                raise PhoneUnreachable(handover.reason or None)
            case Outcome.REFUSED:
                self._emit(SecurityEventType.OTP_REQUEST_REJECTED, wanted, handover.reason)
                await self.record_ask.take_back(wanted.phone, draw)
                raise MessageNotSent(handover.reason or None)

    def _emit(self, event_type: SecurityEventType, wanted: AskForCode, reason: str) -> None:
        self.events.emit(
            SecurityEvent(
                type=event_type, phone=wanted.phone, client_ip=wanted.address, reason=reason or None
            )
        )

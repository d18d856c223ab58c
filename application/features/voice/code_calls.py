"""Call a phone to read a code."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from application.code_derivation import CodeDerivation
from application.features.voice.answer_call import AnswerCallCommand
from application.features.voice.call_urls import CallUrls
from application.features.voice.ports import CallProvider, Calls
from application.otp.additions import CodeDelivery, CodeMessages
from application.otp.failover import PAUSED, ProviderPause
from application.ports.errors import CorruptRecord, StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import DeliveryResult, DeliveryStatus, PausedProvider, PhoneVerifications
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.tasks import call_adapter
from application.update import change
from application.webhook_urls import PhoneLabels
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.features.voice.call_texts import CallTexts, Text
from domain.features.voice.instructions import HangUp, Instruction, resolve
from domain.features.voice.step import hang_up, read_code, start_code_call
from domain.otp.challenge import Challenge, Purpose
from domain.otp.delivery import Channel
from domain.otp.messages import locale_fallbacks, normalize_locale
from domain.otp.phone_verification import PhoneVerification

_CALL_TIMEOUT: Final = 15.0
"""Seconds, as the port promises."""
_NO_RESPONSE: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The provider of calls does not respond."
)


@dataclass(frozen=True, slots=True)
class PlaceCodeCall:
    """Call a phone to read a code.

    The call is recorded before it is placed, so that its first request finds it.
    """

    calls: Calls
    call_provider: CallProvider
    call_urls: CallUrls
    keyed_hashes: KeyedHashes
    clock: Clock
    pause: ProviderPause
    provider: str

    def find_pause(self) -> PausedProvider | None:
        return self.pause.paused

    async def send(
        self, code: CodeDelivery, _next: Sequence[Channel], _messages: CodeMessages
    ) -> DeliveryResult:
        """Place the call that delivers a code which a client asked for.

        No channel is tried after a call, and its text is rendered while it is answered.

        Raises:
            StorageError: no call was placed.
        """
        phone, delivery = code.phone, code.delivery
        call = Call(
            id=delivery.call_id or "",
            direction=CallDirection.OUTBOUND,
            started_at=self.clock.now(),
            identity_id=code.identity_id,
            challenge_id=code.challenge.id,
            report_id=delivery.report_id,
            # Without a locale, that of the country is used.
            locale=normalize_locale(code.preferences.locale),
        )
        if not self.pause.begin_call():
            return PAUSED
        if not await self.calls.add(call):
            return DeliveryResult(DeliveryStatus.UNKNOWN, "The call was placed before.")
        today = self.clock.now().date()
        labels = PhoneLabels(phone.country, self.keyed_hashes.hash_phone_of_day(phone, today))
        place = partial(
            self.call_provider.place_call,
            phone,
            self.call_urls.code_call(call.id),
            self.call_urls.call_status(call.id, labels),
        )
        try:
            placed = await call_adapter("place_call", place, _CALL_TIMEOUT)
        except TimeoutError:
            placed = _NO_RESPONSE
        self.pause.record(placed)
        # The requests of the call do not need what is recorded now.
        with suppress(StorageError, CorruptRecord):
            await change(
                self.calls,
                call.id,
                lambda found: (found and self._record(found, placed), None),
                loaded=Versioned(call, 1),
            )
        return placed

    def _record(self, call: Call, placed: DeliveryResult) -> Call:
        match placed.status:
            case DeliveryStatus.ACCEPTED:
                return call.set_provider_call_id(placed.provider_call_id)
            case DeliveryStatus.UNKNOWN:
                return call
            case _:
                return call.advance_status(CallStatus.FAILED, self.clock.now())


@dataclass(frozen=True, slots=True)
class AnswerCodeCall:
    """Tell the provider what a call with a code does next.

    - A call that is unknown, that went to another phone or to a number that gets no messages, or
      whose code is used or expired, is ended without a word.
    - A request is processed once, and every repetition gets the same response. The code is
      derived again each time: no call stores it.
    """

    calls: Calls
    phone_verifications: PhoneVerifications
    codes: CodeDerivation
    clock: Clock
    texts: CallTexts

    async def __call__(self, call_id: str, command: AnswerCallCommand) -> tuple[Instruction, ...]:
        phone, now = command.phone, self.clock.now()
        if phone is None:
            return (HangUp(),)
        verification = (await self.phone_verifications.load(phone)).value

        def answer(call: Call | None) -> tuple[Call | None, Call | None]:
            if call is None:
                return None, None
            challenge = verification.challenges.find(call.challenge_id)
            is_next = call.position == command.position and not call.status.is_final
            if challenge is None or not is_next or not _is_this_call(call, command):
                return call, call
            is_readable = challenge.is_active(now) and self._is_readable(verification, challenge)
            greeting, introduction = _texts_for(challenge.purpose)
            locale = self.texts.select_with(
                introduction, phone.country, locale_fallbacks(call.locale)
            )
            if not is_readable:
                step = hang_up()
            elif command.position is None:
                step = start_code_call(locale, greeting)
            else:
                step = read_code(locale, command.event, introduction)
            identified = call.set_provider_call_id(command.provider_call_id)
            answered = identified.advance_status(CallStatus.IN_PROGRESS, now)
            completed = answered.complete(command.position, step, now=now)
            return completed, completed

        call = await change(self.calls, call_id, answer)
        if call is None or not _is_this_call(call, command):
            return (HangUp(),)
        turn = call.find_turn(command.position)
        challenge = verification.challenges.find(call.challenge_id)
        if turn is None or challenge is None or not self._is_readable(verification, challenge):
            return (HangUp(),)
        return resolve(turn.instructions, code=self.codes.derive(challenge, phone).digits)

    def _is_readable(self, verification: PhoneVerification, challenge: Challenge) -> bool:
        return not verification.gets_no_messages and challenge.key_id in self.codes.key_ids()


def _texts_for(purpose: Purpose) -> tuple[Text, Text]:
    if purpose is Purpose.VERIFICATION:
        return Text.VERIFICATION_GREETING, Text.VERIFICATION_INTRODUCTION
    return Text.CODE_GREETING, Text.CODE_INTRODUCTION


def _is_this_call(call: Call, command: AnswerCallCommand) -> bool:
    is_its_id = call.may_have_provider_call_id(command.provider_call_id)
    return call.direction is CallDirection.OUTBOUND and is_its_id

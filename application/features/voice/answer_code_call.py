"""Answer the requests of an outbound call that reads a code."""

from dataclasses import dataclass

from application.features.voice.answer_call import AnswerCallCommand
from application.features.voice.ports import Calls
from application.otp_codes import OtpCodes
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from application.update import change
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.features.voice.call_texts import CallTexts
from domain.features.voice.code_call import hang_up, read_code, start_code_call
from domain.features.voice.instructions import HangUp, Instruction, resolve
from domain.otp.challenge import Challenge
from domain.otp.message_preferences import locale_fallbacks
from domain.otp.phone_verification import PhoneVerification


@dataclass(frozen=True, slots=True)
class AnswerCodeCall:
    """Tell the provider what a call with a code does next.

    - A call that is unknown, that went to another phone, or whose code is used or expired, is
      ended without a word. So is the call of a number that gets no messages.
    - A request is processed once, and every repetition gets the same response. The code is
      derived again each time: no call stores it.
    """

    calls: Calls
    phone_verifications: PhoneVerifications
    codes: OtpCodes
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
            locale = self.texts.select_locale(phone.country, locale_fallbacks(call.locale))
            if not is_readable:
                step = hang_up()
            elif command.position is None:
                step = start_code_call(locale)
            else:
                step = read_code(locale, command.event)
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


def _is_this_call(call: Call, command: AnswerCallCommand) -> bool:
    is_its_id = call.may_have_provider_call_id(command.provider_call_id)
    return call.direction is CallDirection.OUTBOUND and is_its_id

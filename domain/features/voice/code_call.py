"""The outbound call that reads a code."""

from typing import Final

from domain.features.voice.call_texts import SpokenLocale, Text
from domain.features.voice.instructions import Gather, HangUp, Pause, Position, SayCode
from domain.features.voice.speech import KEYS
from domain.features.voice.step import Answered, CallEvent, CallOutcome, Step

CODE_STATE: Final = "code"


def start_code_call(locale: SpokenLocale) -> Step:
    """Say who is calling, and wait for a key. A voicemail presses none."""
    position = Position(CODE_STATE)
    greeting = locale.say(Text.CODE_GREETING)
    gather = Gather(
        prompt=(greeting, Pause(2), greeting),
        answer_to=position,
        voice=locale.voice,
        timeout_seconds=10,
        with_speech=False,
    )
    return Step((gather,), position, (CODE_STATE,))


def read_code(locale: SpokenLocale, event: CallEvent) -> Step:
    """Read the code twice after any key; without a key, end the call and say nothing."""
    if not isinstance(event, Answered) or not event.keys or not set(event.keys) <= set(KEYS):
        return hang_up()
    instructions = (
        locale.say(Text.CODE_INTRODUCTION),
        Pause(),
        SayCode(locale.voice),
        locale.say(Text.CODE_REPETITION),
        Pause(),
        SayCode(locale.voice),
        HangUp(),
    )
    return Step(instructions, None, outcome=CallOutcome.CODE_READ)


def hang_up() -> Step:
    """End the call and say nothing."""
    return Step((HangUp(),), None, outcome=CallOutcome.CODE_NOT_READ)

"""The outbound call that reads a code."""

from typing import Final

from domain.features.voice.flow import CODE_GREETING, CODE_INTRODUCTION, CODE_REPETITION, FlowLocale
from domain.features.voice.instructions import Gather, HangUp, Pause, Position, SayCode
from domain.features.voice.speech import KEYS
from domain.features.voice.walk import Answered, CallEvent, CallOutcome, Step

CODE_NODE: Final = "code"


def start_code_call(locale: FlowLocale) -> Step:
    """Say who is calling, and wait for a key. A voicemail presses none."""
    position = Position(CODE_NODE)
    greeting = locale.say(CODE_GREETING)
    gather = Gather(
        prompt=(greeting, Pause(2), greeting),
        answer_to=position,
        voice=locale.voice,
        timeout_seconds=10,
        with_speech=False,
    )
    return Step((gather,), position, (CODE_NODE,))


def read_code(locale: FlowLocale, event: CallEvent) -> Step:
    """Read the code twice after any key; without a key, end the call and say nothing."""
    if not isinstance(event, Answered) or not event.keys or not set(event.keys) <= set(KEYS):
        return hang_up()
    instructions = (
        locale.say(CODE_INTRODUCTION),
        Pause(),
        SayCode(locale.voice),
        locale.say(CODE_REPETITION),
        Pause(),
        SayCode(locale.voice),
        HangUp(),
    )
    return Step(instructions, None, outcome=CallOutcome.CODE_READ)


def hang_up() -> Step:
    """End the call and say nothing."""
    return Step((HangUp(),), None, outcome=CallOutcome.CODE_NOT_READ)

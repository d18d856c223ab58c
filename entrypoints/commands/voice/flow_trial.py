"""A call flow in the terminal, as a caller would hear it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from domain.voice.flow import CallFlow, DialResult
from domain.voice.instructions import (
    DialOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    RecordCaller,
    Say,
    StoredInstruction,
)
from domain.voice.speech import KEYS
from domain.voice.walk import (
    Answered,
    CallBack,
    CallEvent,
    ChooseLanguage,
    ClaimedCaller,
    Continued,
    Dialed,
    Effect,
    EffectResult,
    Leave,
    Recorded,
    Register,
    advance,
    start,
)

HANG_UP: Final = "/hangup"
INSTRUCTIONS: Final = (
    "Type a key (0-9, * or #) or what you say. An empty line is silence; /hangup hangs up."
)
_DIAL_RESULTS: Final = ", ".join(DialResult)
_EFFECTS: Final[Mapping[type[Effect], str]] = {
    Register: "the caller is registered, with the time and wording of the consent",
    Leave: "an unverified identity is deleted; a verified one gets a message that says how",
    CallBack: "the caller's number is called back with a code after the caller hung up",
    ChooseLanguage: "the caller hears {0.locale} now, and in the next call",
}


def try_flow(
    flow: CallFlow, caller: ClaimedCaller, read_line: Callable[[], str | None]
) -> Iterator[str]:
    """Walk a flow and yield what happens. Nothing is stored, and nobody is called.

    Args:
        flow: The flow.
        caller: Who calls.
        read_line: Returns the next line of the input; None at its end, which hangs up.
    """
    yield INSTRUCTIONS
    step = start(flow, caller)
    while True:
        if step.path:
            yield f"[{' -> '.join(step.path)}]"
        if step.effect and step.position:
            yield f"* {_EFFECTS[type(step.effect)].format(step.effect)}"
            if isinstance(step.effect, ChooseLanguage):
                caller = replace(caller, locale=step.effect.locale)
            is_rejected = isinstance(step.effect, Leave) and caller.is_verified
            result = EffectResult.REJECTED if is_rejected else EffectResult.DONE
            step = advance(flow, step.position, caller, result)
            continue
        yield from _describe_all(step.instructions)
        if step.position is None:
            yield f"The call has ended: {step.outcome or 'goodbye'}."
            return
        last, text = step.instructions[-1], ""
        if not isinstance(last, GoTo):
            text = _read_text(read_line)
            while isinstance(last, DialOperator) and text.lower() not in (*DialResult, HANG_UP):
                yield f"Type how the operator's call ends: {_DIAL_RESULTS}."
                text = _read_text(read_line)
        if text.lower() == HANG_UP:
            yield "You have hung up."
            return
        step = advance(flow, step.position, caller, _to_event(last, text))


def _read_text(read_line: Callable[[], str | None]) -> str:
    line = read_line()
    return HANG_UP if line is None else line.strip()


def _to_event(last: StoredInstruction, text: str) -> CallEvent:
    """Return what happens after the last instruction when the caller types this."""
    if isinstance(last, GoTo):
        return Continued()
    if isinstance(last, DialOperator):
        return Dialed(DialResult(text.lower()))
    if isinstance(last, RecordCaller):
        return Recorded("trial", len(text.split())) if text else Continued()
    if text and set(text) <= set(KEYS):
        return Answered(keys=text)
    return Answered(speech=text)


def _describe_all(instructions: Iterable[StoredInstruction]) -> Iterator[str]:
    for instruction in instructions:
        match instruction:
            case Say(text):
                yield f"< {text}"
            case Gather():
                yield from _describe_all(instruction.prompt)
                yield "? key or speech"
            case DialOperator():
                yield f"? the operator's phone rings; type {_DIAL_RESULTS}"
            case RecordCaller():
                yield f"? speak, up to {instruction.max_seconds} seconds"
            case Pause():
                yield "..."
            case HangUp():
                yield "< (the line is closed)"
            case _:
                pass

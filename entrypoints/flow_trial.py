"""A call flow in the terminal, as a caller would hear it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from domain.voice.flow import CallFlow, DialResult
from domain.voice.instructions import (
    DialOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Record,
    Say,
    StoredInstruction,
)
from domain.voice.speech import KEYS
from domain.voice.walk import (
    Answered,
    CallBack,
    Caller,
    CallEvent,
    ChooseLanguage,
    Continued,
    Dialed,
    Effect,
    EffectResult,
    ExplainLeaving,
    KeepRecording,
    Leave,
    Recorded,
    Register,
    Step,
    advance,
    start,
)

HANG_UP: Final = "/hangup"
INSTRUCTIONS: Final = (
    "Type a key (0-9, * or #) or what you say. An empty line is silence; /hangup hangs up."
)
_DIAL_RESULTS: Final = ", ".join(DialResult)


def try_flow(flow: CallFlow, caller: Caller, read_line: Callable[[], str | None]) -> Iterator[str]:
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
            yield f"* {_describe(step.effect)}"
            if isinstance(step.effect, ChooseLanguage):
                caller = replace(caller, locale=step.effect.locale)
            step = advance(flow, step.position, caller, EffectResult.DONE)
            continue
        yield from _describe_all(step.instructions)
        if step.position is None:
            yield f"The call has ended: {step.outcome or 'goodbye'}."
            return
        event = _read_event(step, read_line)
        while isinstance(event, str) and not isinstance(event, EffectResult):
            yield event
            event = _read_event(step, read_line)
        if event is None:
            yield "You have hung up."
            return
        step = advance(flow, step.position, caller, event)


def _read_event(step: Step, read_line: Callable[[], str | None]) -> CallEvent | str | None:
    """Return the next event, a text that says what to type, or None if the caller hangs up."""
    last = step.instructions[-1]
    if isinstance(last, GoTo):
        return Continued()
    line = read_line()
    if line is None or line.strip().lower() == HANG_UP:
        return None
    text = line.strip()
    if isinstance(last, DialOperator):
        try:
            return Dialed(DialResult(text.lower()))
        except ValueError:
            return f"Type how the operator's call ends: {_DIAL_RESULTS}."
    if isinstance(last, Record):
        return Recorded("trial", len(text.split())) if text else Continued()
    if text and set(text) <= set(KEYS):
        return Answered(keys=text)
    return Answered(speech=text)


def _describe(effect: Effect) -> str:
    match effect:
        case Register():
            return "the caller is registered, with the time and wording of the consent"
        case Leave():
            return "the unverified identity is deleted"
        case ExplainLeaving():
            return "a message is sent that says how to leave; nothing is changed"
        case CallBack():
            return "the caller's number is called back with a code after the caller hung up"
        case ChooseLanguage(tag):
            return f"the caller hears {tag} now, and in the next call"
        case KeepRecording():
            return "the reference of the recording is kept"


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
            case Record():
                yield f"? speak, up to {instruction.max_seconds} seconds"
            case Pause():
                yield "..."
            case HangUp():
                yield "< (the line is closed)"
            case _:
                pass

"""The stored form of the instructions of a call: a struct for each kind, tagged with it."""

from typing import assert_never

from adapters.sqlite.record_mapping import StoredFields
from domain.voice.instructions import (
    DialOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Position,
    Record,
    Say,
    SayCode,
    StoredInstruction,
    Voice,
)


class StoredPosition(StoredFields):
    """Where a call waits for an answer."""

    node: str
    visit: int
    repeat: int


class StoredVoice(StoredFields):
    """How a locale sounds."""

    language: str
    name: str


class StoredSay(StoredFields, tag_field="kind", tag="say"):
    """Read a text aloud."""

    text: str
    voice: StoredVoice


class StoredSayCode(StoredFields, tag_field="kind", tag="say_code"):
    """Read the code of the call, which is not stored."""

    voice: StoredVoice


class StoredPause(StoredFields, tag_field="kind", tag="pause"):
    """Say nothing."""

    seconds: int


class StoredGather(StoredFields, tag_field="kind", tag="gather"):
    """Wait for a key or speech."""

    prompt: tuple[StoredSay | StoredPause, ...]
    answer_to: StoredPosition
    voice: StoredVoice
    hints: tuple[str, ...]
    keys: int
    timeout_seconds: int
    with_speech: bool


class StoredDialOperator(StoredFields, tag_field="kind", tag="dial_operator"):
    """Connect the caller to the operator, whose number is not stored."""

    answer_to: StoredPosition
    timeout_seconds: int
    max_seconds: int


class StoredRecord(StoredFields, tag_field="kind", tag="record"):
    """Record the caller."""

    answer_to: StoredPosition
    max_seconds: int
    silence_seconds: int


class StoredGoTo(StoredFields, tag_field="kind", tag="go_to"):
    """Continue at a position."""

    position: StoredPosition


class StoredHangUp(StoredFields, tag_field="kind", tag="hang_up"):
    """End the call."""


StoredInstructionFields = (
    StoredSay
    | StoredSayCode
    | StoredPause
    | StoredGather
    | StoredDialOperator
    | StoredRecord
    | StoredGoTo
    | StoredHangUp
)


def position_to_stored(position: Position) -> StoredPosition:
    """Return the stored form of a position."""
    return StoredPosition(node=position.node, visit=position.visit, repeat=position.repeat)


def position_to_domain(position: StoredPosition) -> Position:
    """Return the position of a stored form."""
    return Position(position.node, position.visit, position.repeat)


def instruction_to_stored(instruction: StoredInstruction) -> StoredInstructionFields:
    """Return the stored form of an instruction."""
    match instruction:
        case Say() | Pause():
            return _prompt_to_stored(instruction)
        case SayCode():
            return StoredSayCode(voice=_voice_to_stored(instruction.voice))
        case Gather():
            return StoredGather(
                prompt=tuple([_prompt_to_stored(said) for said in instruction.prompt]),
                answer_to=position_to_stored(instruction.answer_to),
                voice=_voice_to_stored(instruction.voice),
                hints=instruction.hints,
                keys=instruction.keys,
                timeout_seconds=instruction.timeout_seconds,
                with_speech=instruction.with_speech,
            )
        case DialOperator():
            return StoredDialOperator(
                answer_to=position_to_stored(instruction.answer_to),
                timeout_seconds=instruction.timeout_seconds,
                max_seconds=instruction.max_seconds,
            )
        case Record():
            return StoredRecord(
                answer_to=position_to_stored(instruction.answer_to),
                max_seconds=instruction.max_seconds,
                silence_seconds=instruction.silence_seconds,
            )
        case GoTo():
            return StoredGoTo(position=position_to_stored(instruction.position))
        case HangUp():
            return StoredHangUp()
        case _:
            assert_never(instruction)


def instruction_to_domain(instruction: StoredInstructionFields) -> StoredInstruction:
    """Return the instruction of a stored form."""
    match instruction:
        case StoredSay() | StoredPause():
            return _prompt_to_domain(instruction)
        case StoredSayCode():
            return SayCode(_voice_to_domain(instruction.voice))
        case StoredGather():
            return Gather(
                prompt=tuple([_prompt_to_domain(said) for said in instruction.prompt]),
                answer_to=position_to_domain(instruction.answer_to),
                voice=_voice_to_domain(instruction.voice),
                hints=instruction.hints,
                keys=instruction.keys,
                timeout_seconds=instruction.timeout_seconds,
                with_speech=instruction.with_speech,
            )
        case StoredDialOperator():
            return DialOperator(
                answer_to=position_to_domain(instruction.answer_to),
                timeout_seconds=instruction.timeout_seconds,
                max_seconds=instruction.max_seconds,
            )
        case StoredRecord():
            return Record(
                answer_to=position_to_domain(instruction.answer_to),
                max_seconds=instruction.max_seconds,
                silence_seconds=instruction.silence_seconds,
            )
        case StoredGoTo():
            return GoTo(position_to_domain(instruction.position))
        case StoredHangUp():
            return HangUp()
        case _:
            assert_never(instruction)


def _prompt_to_stored(said: Say | Pause) -> StoredSay | StoredPause:
    if isinstance(said, Pause):
        return StoredPause(seconds=said.seconds)
    return StoredSay(text=said.text, voice=_voice_to_stored(said.voice))


def _prompt_to_domain(said: StoredSay | StoredPause) -> Say | Pause:
    if isinstance(said, StoredPause):
        return Pause(said.seconds)
    return Say(said.text, _voice_to_domain(said.voice))


def _voice_to_stored(voice: Voice) -> StoredVoice:
    return StoredVoice(language=voice.language, name=voice.name)


def _voice_to_domain(voice: StoredVoice) -> Voice:
    return Voice(voice.language, voice.name)

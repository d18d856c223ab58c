"""The mapping of the instructions of a call. `kind` says which instruction it is."""

from typing import assert_never

from adapters.mongo.documents.calls import (
    InstructionFields,
    PauseFields,
    PositionFields,
    SayFields,
    VoiceFields,
)
from adapters.mongo.driver import RawDocument
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


def decode_position(stored: PositionFields) -> Position:
    """Make a position from its fields."""
    return Position(stored.node, stored.visit, stored.repeat)


def encode_position(position: Position) -> RawDocument:
    """Return the fields of a position."""
    return {"node": position.node, "visit": position.visit, "repeat": position.repeat}


def decode_instruction(stored: InstructionFields) -> StoredInstruction:
    """Make an instruction from its fields."""
    match stored.kind:
        case "say" | "pause":
            return _decode_prompt(stored)
        case "say_code":
            return SayCode(_decode_voice(stored.voice))
        case "gather":
            return Gather(
                prompt=tuple(map(_decode_prompt, stored.prompt)),
                answer_to=decode_position(stored.answer_to),
                voice=_decode_voice(stored.voice),
                hints=tuple(stored.hints),
                keys=stored.keys,
                timeout_seconds=stored.timeout_seconds,
                with_speech=stored.with_speech,
            )
        case "dial_operator":
            return DialOperator(
                answer_to=decode_position(stored.answer_to),
                timeout_seconds=stored.timeout_seconds,
                max_seconds=stored.max_seconds,
            )
        case "record":
            return Record(
                answer_to=decode_position(stored.answer_to),
                max_seconds=stored.max_seconds,
                silence_seconds=stored.silence_seconds,
            )
        case "go_to":
            return GoTo(decode_position(stored.position))
        case "hang_up":
            return HangUp()
        case _:
            assert_never(stored.kind)


def encode_instruction(instruction: StoredInstruction) -> RawDocument:
    """Return the fields of an instruction."""
    match instruction:
        case Say():
            return {
                "kind": "say",
                "text": instruction.text,
                "voice": _encode_voice(instruction.voice),
            }
        case Pause():
            return {"kind": "pause", "seconds": instruction.seconds}
        case SayCode():
            return {"kind": "say_code", "voice": _encode_voice(instruction.voice)}
        case Gather():
            return {
                "kind": "gather",
                "prompt": [encode_instruction(said) for said in instruction.prompt],
                "answer_to": encode_position(instruction.answer_to),
                "voice": _encode_voice(instruction.voice),
                "hints": [*instruction.hints],
                "keys": instruction.keys,
                "timeout_seconds": instruction.timeout_seconds,
                "with_speech": instruction.with_speech,
            }
        case DialOperator():
            return {
                "kind": "dial_operator",
                "answer_to": encode_position(instruction.answer_to),
                "timeout_seconds": instruction.timeout_seconds,
                "max_seconds": instruction.max_seconds,
            }
        case Record():
            return {
                "kind": "record",
                "answer_to": encode_position(instruction.answer_to),
                "max_seconds": instruction.max_seconds,
                "silence_seconds": instruction.silence_seconds,
            }
        case GoTo():
            return {"kind": "go_to", "position": encode_position(instruction.position)}
        case HangUp():
            return {"kind": "hang_up"}
        case _:
            assert_never(instruction)


def _decode_prompt(stored: SayFields | PauseFields) -> Say | Pause:
    if stored.kind == "pause":
        return Pause(stored.seconds)
    return Say(stored.text, _decode_voice(stored.voice))


def _decode_voice(stored: VoiceFields) -> Voice:
    return Voice(stored.language, stored.name)


def _encode_voice(voice: Voice) -> RawDocument:
    return {"language": voice.language, "name": voice.name}

"""The markup of a provider in memory: a JSON document with steps."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from application.features.voice.ports import Markup
from domain.features.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    HangUp,
    Instruction,
    Pause,
    Position,
    RecordCaller,
    Reject,
    Say,
)


def render_steps(
    instructions: Sequence[Instruction],
    url_of: Callable[[Position], str],
    recording_status_url: str = "",
) -> Markup:
    """Render instructions; one that waits for an answer or ends the call is the last one."""
    steps: list[dict[str, Any]] = []
    for instruction in instructions:
        steps.append(_to_step(instruction, url_of, recording_status_url))
        if not isinstance(instruction, Say | Pause):
            break
    return Markup("application/json", json.dumps({"steps": steps}))


def _to_step(
    instruction: Instruction, url_of: Callable[[Position], str], recording_status_url: str
) -> dict[str, Any]:
    match instruction:
        case Say():
            return {"say": instruction.text, "language": instruction.voice.language}
        case Pause():
            return {"pause": instruction.seconds}
        case Gather():
            return {
                "ask": [_to_step(speech, url_of, "") for speech in instruction.prompt],
                "url": url_of(instruction.answer_to),
                "seconds": instruction.timeout_seconds,
                "words": list(instruction.hints) if instruction.with_speech else [],
            }
        case Dial():
            return {
                "dial": instruction.number,
                "from": instruction.caller_id,
                "url": url_of(instruction.answer_to),
                "ring_seconds": instruction.timeout_seconds,
                "seconds": instruction.max_seconds,
            }
        case RecordCaller():
            return {
                "record": instruction.max_seconds,
                "url": url_of(instruction.answer_to),
                "status_url": recording_status_url,
            }
        case GoTo():
            return {"url": url_of(instruction.position)}
        case HangUp():
            return {"end": "hang_up"}
        case Reject():
            return {"end": "busy"}

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from application.ports.call_markup import Markup
from domain.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    HangUp,
    Instruction,
    Pause,
    Position,
    Record,
    Reject,
    Say,
)


class FakeCallMarkup:
    """Renders instructions as JSON lines: a verb and its values."""

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        lines: list[object] = []
        for index, instruction in enumerate(instructions):
            match instruction:
                case Say() | Pause():
                    lines += _speech(instruction)
                    continue
                case Gather():
                    lines.append(
                        {
                            "verb": "gather",
                            "prompt": [
                                line for part in instruction.prompt for line in _speech(part)
                            ],
                            "url": url_of(instruction.answer_to),
                            "keys": instruction.keys,
                            "seconds": instruction.timeout_seconds,
                            "speech": asdict(instruction.voice)
                            if instruction.with_speech
                            else None,
                            "hints": list(instruction.hints) if instruction.with_speech else [],
                        }
                    )
                case Dial():
                    lines.append(
                        {
                            "verb": "dial",
                            "number": instruction.number,
                            "url": url_of(instruction.answer_to),
                            "ring_seconds": instruction.timeout_seconds,
                            "max_seconds": instruction.max_seconds,
                        }
                    )
                case Record():
                    lines.append(
                        {
                            "verb": "record",
                            "url": url_of(instruction.answer_to),
                            "max_seconds": instruction.max_seconds,
                            "silence_seconds": instruction.silence_seconds,
                            "status_url": recording_status_url,
                        }
                    )
                case GoTo():
                    lines.append({"verb": "go_to", "url": url_of(instruction.position)})
                case Reject() if index == 0:
                    lines.append({"verb": "reject", "reason": instruction.reason.value})
                case HangUp() | Reject():
                    lines.append({"verb": "hang_up"})
            break
        return Markup("application/jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))


def _speech(speech: Say | Pause) -> list[object]:
    if isinstance(speech, Pause):
        return [{"verb": "pause", "seconds": speech.seconds}]
    text = " ".join(speech.text.split())
    if not text:
        return []
    return [{"verb": "say", "text": text, "voice": asdict(speech.voice)}]

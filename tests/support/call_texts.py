"""The built-in texts of the phone line, and what a call says."""

from collections.abc import Iterable, Iterator
from typing import Final

from adapters.calls.call_texts import read_call_texts
from domain.features.voice.instructions import Gather, Instruction, Say, StoredInstruction

CALL_TEXTS: Final = read_call_texts(None, "Dialtone")


def spoken(instructions: Iterable[Instruction | StoredInstruction]) -> Iterator[str]:
    for instruction in instructions:
        if isinstance(instruction, Say):
            yield instruction.text
        elif isinstance(instruction, Gather):
            yield from (said.text for said in instruction.prompt if isinstance(said, Say))

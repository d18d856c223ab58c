"""The port that turns instructions into the markup of a telephony provider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.voice.instructions import Instruction, Position


@dataclass(frozen=True, slots=True)
class Markup:
    """A response to a provider's request."""

    media_type: str
    text: str


class CallMarkup(Protocol):
    """Renders instructions."""

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        """Render instructions as one valid document; any text is escaped.

        - An instruction that waits for an answer or ends the call is the last one; those after it
          are left out. Without one, the call ends after the last instruction.
        - Silence is an answer too, also of a recording.

        Args:
            instructions: What the call does, in this order.
            url_of: The absolute URL where an answer continues.
            recording_status_url: Where the provider reports that a recording is complete.
        """
        ...

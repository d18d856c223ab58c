"""Responses to the requests of a call: always valid markup."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from litestar import Response

from application.ports.call_markup import CallMarkup
from application.ports.errors import PortError
from domain.errors import DomainError
from domain.voice.instructions import HangUp, Instruction, Position, Say, Voice

ANSWER_TIMEOUT_SECONDS: Final = 12.0
"""Twilio waits for 15 seconds (https://www.twilio.com/docs/api/errors/11200)."""
_LAST_APOLOGY: Final = (
    Say("Sorry, something went wrong. Please call again later.", Voice("en-US")),
    HangUp(),
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CallResponder:
    """Responds to one request of a call.

    Attributes:
        markup: Renders the instructions.
        recording_url: Where the provider reports that a recording is complete.
        url_of: The URL where an answer continues.
        apologize: Returns the instructions after an error.
    """

    markup: CallMarkup
    recording_url: str
    url_of: Callable[[Position], str]
    apologize: Callable[[], Sequence[Instruction]]

    async def respond(
        self, answer: Callable[[], Awaitable[Sequence[Instruction]]]
    ) -> Response[str]:
        """Respond with the answer. If there is none in time, apologize and end the call."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                return self._render(await answer())
        except (DomainError, PortError) as error:
            _log.error("call_failed", error=type(error).__name__, reason=str(error))
        except Exception as error:  # noqa: BLE001 -- a caller must hear something, whatever failed
            _log.error("call_failed", error=type(error).__name__, exc_info=error)
        return self.respond_with_apology()

    def respond_with_apology(self) -> Response[str]:
        """Respond with a spoken apology that ends the call."""
        try:
            return self._render(self.apologize())
        except Exception as error:  # noqa: BLE001 -- the same
            _log.error("call_apology_failed", error=type(error).__name__, exc_info=error)
            return self._render(_LAST_APOLOGY)

    def _render(self, instructions: Sequence[Instruction]) -> Response[str]:
        markup = self.markup.render(instructions, self.url_of, self.recording_url)
        return Response(markup.text, status_code=200, media_type=markup.media_type)

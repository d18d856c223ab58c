"""Responses to the requests of a call: always valid markup."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from litestar import Response

from application.ports.errors import PortError
from application.webhook_urls import WebhookUrls
from domain.errors import DomainError
from domain.phone import PhoneNumber
from domain.voice.instructions import HangUp, Instruction, Position, Say, Voice
from entrypoints.http.request import ApiRequest
from entrypoints.http.voice.webhook import Webhook

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
        request: The request.
        webhook: What is known of it.
        phone: The caller or the called phone, whose language an apology has.
        url_of: The URL where an answer continues; None for inbound calls.
    """

    request: ApiRequest
    webhook: Webhook
    phone: PhoneNumber | None
    url_of: Callable[[Position], str] | None = None

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
            apology = self.request.use_cases.answer_call.apologize(self.phone)
            return self._render(apology)
        except Exception as error:  # noqa: BLE001 -- the same
            _log.error("call_apology_failed", error=type(error).__name__, exc_info=error)
            return self._render(_LAST_APOLOGY)

    def _render(self, instructions: Sequence[Instruction]) -> Response[str]:
        urls = WebhookUrls(self.request.settings.public_url)
        url_of = self.url_of or urls.continue_call
        markup = self.webhook.markup.render(instructions, url_of, urls.recording())
        return Response(markup.text, status_code=200, media_type=markup.media_type)

"""Responses to the requests of a call: always valid markup."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from litestar import Response

from application.features.voice.answer_call import AnswerCallCommand
from application.ports.errors import PortError, StorageOverloaded
from domain.errors import DomainError
from domain.features.voice.instructions import Instruction, Position
from domain.phone import PhoneNumber
from entrypoints.http.features.voice.webhook import Webhook
from entrypoints.http.requests.signed_request import WebhookRejected

ANSWER_TIMEOUT_SECONDS: Final = 12.0
"""Providers wait some seconds, Twilio for 15 (https://www.twilio.com/docs/api/errors/11200)."""

_log = structlog.get_logger()


async def respond(
    webhook: Webhook,
    phone: PhoneNumber | None,
    answer: Callable[[AnswerCallCommand], Awaitable[Sequence[Instruction]]],
    url_of: Callable[[Position], str],
) -> Response[str]:
    """Respond with the answer. If there is none in time, apologize and end the call.

    Raises:
        WebhookRejected: The request was used at another URL.
    """
    fields = webhook.fields
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            await webhook.claim()
            position = webhook.parse_position()
            command = AnswerCallCommand(
                fields.provider_call_id, phone, position, fields.event, fields.called
            )
            return _render(webhook, await answer(command), url_of)
    except WebhookRejected:
        raise
    except StorageOverloaded:
        pass  # it has a line of its own, however many calls there are
    except (DomainError, PortError) as error:
        _log.error("call_failed", error=type(error).__name__, reason=str(error))
    except Exception as error:  # noqa: BLE001 -- a caller must hear something, whatever failed
        _log.error("call_failed", error=type(error).__name__, exc_info=error)
    return respond_with_apology(webhook, phone)


def respond_with_apology(webhook: Webhook, phone: PhoneNumber | None) -> Response[str]:
    """Respond with a spoken apology that ends the call."""
    apology = webhook.voice.answer_call.apologize(phone)
    return _render(webhook, apology, webhook.urls.continue_call)


def _render(
    webhook: Webhook, instructions: Sequence[Instruction], url_of: Callable[[Position], str]
) -> Response[str]:
    markup = webhook.voice.ports.markup.render(instructions, url_of, webhook.urls.recording())
    return Response(markup.text, status_code=200, media_type=markup.media_type)

"""The webhooks of the phone line. They are not part of the API's description."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import structlog
from litestar import Controller, Response, post
from litestar.di import Provide
from litestar.params import FromPath

from application.features.voice.answer_call import AnswerCallCommand
from application.features.voice.call_urls import CallUrls
from application.features.voice.feature import VoiceFeature
from application.features.voice.ports import WebhookFields
from application.ports.errors import PortError, StorageOverloaded
from application.ports.webhooks import SignedRequest
from application.webhook_urls import parse_phone_labels
from domain.errors import DomainError
from domain.features.voice.call import inbound_call_id, is_provider_id
from domain.features.voice.instructions import Instruction, Position
from domain.features.voice.step import Recorded
from domain.phone import PhoneNumber
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.requests.signed_request import (
    EXCEPTION_HANDLERS,
    WebhookRejected,
    read_signed_request,
    reject,
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An authentic request. Its `parameters` are those of the URL, which is one of ours."""

    request: ApiRequest
    signed: SignedRequest
    fields: WebhookFields
    parameters: Mapping[str, str]
    urls: CallUrls
    voice: VoiceFeature

    async def claim(self) -> None:
        """Accept the request at this URL only, if the provider does not sign the URL."""
        claim = self.voice.claim_webhook
        if claim is not None and not await claim(self.signed, self.fields.request_id):
            raise reject(self.request, "it was used at another URL")

    def parse_position(self) -> Position | None:
        """Return the position in the URL, None for the first request of a call."""
        if "state" not in self.parameters:
            return None
        state, visit, repeat = (self.parameters[name] for name in ("state", "visit", "repeat"))
        return Position(state, int(visit), int(repeat))


async def receive_webhook(request: ApiRequest, voice: Injected[VoiceFeature]) -> Webhook:
    """Receive a request about a call, and verify it.

    Of its headers, the signature and the type of the body count.
    """
    signed, parameters = await read_signed_request(request)
    if not voice.ports.signatures.verify(signed):
        raise reject(request, "signature, account or a repeated field")
    fields = voice.ports.parser.parse(signed)
    if not is_provider_id(fields.provider_call_id):
        raise reject(request, "it names no call")
    if isinstance(fields.event, Recorded) and not is_provider_id(fields.event.recording_id):
        raise reject(request, "it names no recording")
    urls = voice.urls_at(request.settings.server.public_url).of_call(fields.provider_call_id)
    if not urls.accepts(signed.url):
        raise reject(request, "the URL is not one that this call was given")
    return Webhook(request, signed, fields, parameters, urls, voice)


_log = structlog.get_logger()

WebhookDependency: TypeAlias = Injected[Webhook]


class VoiceController(Controller):
    """Requests about calls. Requests for the next step of a call get markup, whatever fails."""

    path = "/voice"
    include_in_schema = False
    dependencies = {
        "webhook": Provide(receive_webhook),
    }
    exception_handlers = EXCEPTION_HANDLERS

    @post(["/", "/continue"], status_code=200)
    async def answer_call(self, webhook: WebhookDependency) -> Response[str]:
        answer, url_of = webhook.voice.answer_call, webhook.urls.continue_call
        return await respond(webhook, webhook.fields.caller, answer, url_of)

    @post("/calls/{call_id:str}", status_code=200)
    async def read_code(self, webhook: WebhookDependency, call_id: FromPath[str]) -> Response[str]:
        answer = partial(webhook.voice.answer_code_call, call_id)
        url_of = partial(webhook.urls.code_call, call_id)
        return await respond(webhook, webhook.fields.called, answer, url_of)

    @post("/fallback", status_code=200)
    async def apologize(self, webhook: WebhookDependency) -> Response[str]:
        """Apologize to a caller after the provider could not use another response."""
        _log.error("call_fallback_requested", error_code=webhook.fields.error_code)
        return respond_with_apology(webhook, webhook.fields.caller)

    @post("/status", status_code=204)
    async def record_status(self, webhook: WebhookDependency) -> None:
        await webhook.claim()
        fields = webhook.fields
        call_id = webhook.parameters.get("call") or inbound_call_id(fields.provider_call_id)
        if fields.call_status is not None:
            await webhook.voice.record_call_status(
                call_id,
                fields.call_status,
                provider_call_id=fields.provider_call_id,
                labels=parse_phone_labels(webhook.parameters),
            )

    @post("/recording", status_code=204)
    async def keep_recording(self, webhook: WebhookDependency) -> None:
        """Keep the reference to a recording that is complete."""
        await webhook.claim()
        event = webhook.fields.event
        if isinstance(event, Recorded):
            call_id = inbound_call_id(webhook.fields.provider_call_id)
            await webhook.voice.keep_recording(call_id, event)


ANSWER_TIMEOUT_SECONDS: Final = 12.0
"""Providers wait some seconds, Twilio for 15 (https://www.twilio.com/docs/api/errors/11200)."""


async def respond(
    webhook: Webhook,
    phone: PhoneNumber | None,
    answer: Callable[[AnswerCallCommand], Awaitable[Sequence[Instruction]]],
    url_of: Callable[[Position], str],
) -> Response[str]:
    """Respond with the answer. Without an answer in time, apologize and end the call.

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

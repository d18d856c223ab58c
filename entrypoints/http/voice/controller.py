"""The webhooks of the phone line and of messages. They are not part of the API's description."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import structlog
from litestar import Controller, Response, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, SkipValidation

from application.voice.answer_call import AnswerCallCommand
from application.webhook_urls import WebhookUrls
from domain.voice.call import inbound_call_id
from domain.voice.instructions import Instruction, Position
from domain.voice.walk import Recorded
from entrypoints.http.request import ApiRequest
from entrypoints.http.voice.call_response import CallResponder
from entrypoints.http.voice.webhook import (
    Webhook,
    WebhookRejected,
    read_signed_request,
    receive_webhook,
    reject,
)

_log = structlog.get_logger()

WebhookDependency: TypeAlias = NamedDependency[SkipValidation[Webhook]]


def _reject(_: ApiRequest, __: WebhookRejected) -> Response[bytes]:
    return Response(b"", status_code=403, media_type="text/plain")


_EXCEPTION_HANDLERS: Final[dict[Any, Any]] = {WebhookRejected: _reject}


class VoiceController(Controller):
    """Requests about calls.

    Those that ask what a call does next get markup, whatever fails. Those that report something
    get no body.
    """

    path = "/voice"
    include_in_schema = False
    dependencies = {"webhook": Provide(receive_webhook)}
    exception_handlers = _EXCEPTION_HANDLERS

    @post(status_code=200)
    async def begin_call(self, request: ApiRequest, webhook: WebhookDependency) -> Response[str]:
        """Answer the first request of an inbound call."""
        return await _answer_call(request, webhook, lambda: None)

    @post("/continue", status_code=200)
    async def continue_call(self, request: ApiRequest, webhook: WebhookDependency) -> Response[str]:
        """Answer a later request of an inbound call."""
        return await _answer_call(request, webhook, webhook.parse_position)

    @post("/calls/{call_id:str}", status_code=200)
    async def read_code(
        self, request: ApiRequest, webhook: WebhookDependency, call_id: FromPath[str]
    ) -> Response[str]:
        """Answer a request of a call that reads a code."""
        fields = webhook.fields
        url_of = partial(WebhookUrls(request.settings.public_url).code_call, call_id)

        async def answer() -> tuple[Instruction, ...]:
            position = webhook.parse_position() if "node" in webhook.parameters else None
            command = AnswerCallCommand(
                fields.provider_call_id, fields.called, position, fields.event
            )
            return await request.use_cases.answer_code_call(call_id, command)

        return await CallResponder(request, webhook, fields.called, url_of).respond(answer)

    @post("/fallback", status_code=200)
    async def apologize(self, request: ApiRequest, webhook: WebhookDependency) -> Response[str]:
        """Apologize to a caller after the provider could not use another response."""
        _log.error("call_fallback_requested", error_code=webhook.fields.error_code)
        return CallResponder(request, webhook, webhook.fields.caller).respond_with_apology()

    @post("/status", status_code=204)
    async def record_status(self, request: ApiRequest, webhook: WebhookDependency) -> None:
        """Record the status of a call."""
        fields = webhook.fields
        call_id = webhook.parameters.get("call") or inbound_call_id(fields.provider_call_id)
        if fields.call_status is not None:
            await request.use_cases.record_call_status(call_id, fields.call_status, fields.caller)

    @post("/recording", status_code=204)
    async def keep_recording(self, request: ApiRequest, webhook: WebhookDependency) -> None:
        """Keep the reference to a recording that is complete."""
        event = webhook.fields.event
        if isinstance(event, Recorded):
            call_id = inbound_call_id(webhook.fields.provider_call_id)
            await request.use_cases.keep_recording(call_id, event)


class SmsController(Controller):
    """Requests about messages."""

    path = "/sms"
    include_in_schema = False
    exception_handlers = _EXCEPTION_HANDLERS

    @post("/status", status_code=204)
    async def record_status(self, request: ApiRequest) -> None:
        """Record what became of a message."""
        signed, parameters = await read_signed_request(request)
        report_id = parameters.get("delivery", "")
        if not await request.use_cases.record_message_status(report_id, signed):
            raise reject(request, "no message provider recognizes its signature")


async def _answer_call(
    request: ApiRequest, webhook: Webhook, parse_position: Callable[[], Position | None]
) -> Response[str]:
    fields = webhook.fields

    async def answer() -> tuple[Instruction, ...]:
        command = AnswerCallCommand(
            fields.provider_call_id, fields.caller, parse_position(), fields.event, fields.called
        )
        return await request.use_cases.answer_call(command)

    return await CallResponder(request, webhook, fields.caller).respond(answer)

"""The webhooks of the phone line. They are not part of the API's description."""

from functools import partial
from typing import TypeAlias

import structlog
from litestar import Controller, Response, post
from litestar.di import Provide
from litestar.params import FromPath

from application.features.voice.feature import VoiceFeature
from application.webhook_urls import parse_phone_labels
from domain.features.voice.call import inbound_call_id
from domain.features.voice.step import Recorded
from entrypoints.http.features.voice.call_response import respond, respond_with_apology
from entrypoints.http.features.voice.webhook import Webhook, receive_webhook
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.signed_request import EXCEPTION_HANDLERS

_log = structlog.get_logger()

WebhookDependency: TypeAlias = Injected[Webhook]


class VoiceController(Controller):
    """Requests about calls. Those that ask what a call does next get markup, whatever fails."""

    path = "/voice"
    include_in_schema = False
    dependencies = {
        "voice": provide(lambda use_cases: use_cases.of(VoiceFeature)),
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

"""Requests of a telephony provider: as they arrive, and once they are verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from litestar.exceptions import HTTPException

from application.ports.voice import CallMarkup, SignedRequest, WebhookFields
from application.voice.feature import VoiceFeature
from application.webhook_urls import WebhookUrls
from domain.voice.instructions import Position
from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.request import ApiRequest

MAX_FIELDS: Final = 500
_FORM: Final = "application/x-www-form-urlencoded"

_log = structlog.get_logger()


class WebhookRejected(Exception):
    """The request is not authentic, or malformed. The response is a 403 without a body."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An authentic request.

    Attributes:
        fields: What it says.
        parameters: The parameters of its URL, which is one of ours.
        markup: Renders responses for the provider that sent it.
        urls: The URLs of further requests.
        voice: The phone line.
    """

    fields: WebhookFields
    parameters: Mapping[str, str]
    markup: CallMarkup
    urls: WebhookUrls
    voice: VoiceFeature

    def parse_position(self) -> Position | None:
        """Return the position in the URL, None for the first request of a call.

        Raises:
            LookupError: It is incomplete.
            ValueError: It is invalid.
        """
        if "node" not in self.parameters:
            return None
        node, visit, repeat = (self.parameters[name] for name in ("node", "visit", "repeat"))
        return Position(node, int(visit), int(repeat))


async def receive_webhook(request: ApiRequest) -> Webhook:
    """Receive a request about a call, and verify it.

    Of its headers, the signature and the type of the body count.

    Raises:
        WebhookRejected: It is not authentic, or malformed.
    """
    webhooks, voice = request.settings.webhooks, request.use_cases.voice
    if webhooks is None or voice is None or not request.settings.has_phone_line:
        raise reject(request, "the settings name no provider that sends such requests")
    signed, parameters = await read_signed_request(request)
    if not webhooks.signatures.verify(signed):
        raise reject(request, "signature, account or a repeated field")
    fields = webhooks.parser.parse(signed)
    if not fields.provider_call_id:
        raise WebhookRejected
    urls = WebhookUrls(request.settings.server.public_url)
    return Webhook(fields, parameters, webhooks.markup, urls, voice)


async def read_signed_request(request: ApiRequest) -> tuple[SignedRequest, Mapping[str, str]]:
    """Return the request as it arrived, and the parameters of its URL.

    Raises:
        WebhookRejected: It is malformed.
    """
    scope: Any = request.scope
    try:
        query = scope["query_string"].decode("ascii")
        signed = _to_signed_request(
            scope, query, await request.body(), request.settings.server.public_url
        )
        return signed, dict(parse_qsl(query, keep_blank_values=True))
    except (HttpError, HTTPException, ValueError):
        raise reject(request, "the body is malformed, too large or incomplete") from None


def reject(request: ApiRequest, reason: str) -> WebhookRejected:
    """Log why a request is rejected, and return the error."""
    # The template: a path may have any text, and the provider's requests have ids in it.
    path = request.scope["path_template"]
    _log.warning("webhook_rejected", path=path, reason=reason)
    return WebhookRejected(reason)


def _to_signed_request(scope: Any, query: str, body: bytes, public_url: str) -> SignedRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    # The raw path and query: decoded and encoded again, they may differ from what was signed.
    path = scope["raw_path"].decode("ascii")
    url = f"{public_url}{path}?{query}" if query else f"{public_url}{path}"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        return SignedRequest(url, headers, body=body)
    form = parse_qsl(
        body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
    )
    return SignedRequest(url, headers, tuple(form), body)

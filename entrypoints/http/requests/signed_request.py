"""Requests of a provider as they arrive, with the signature that proves who sent them."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from application.ports.webhooks import SignedRequest
from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.settings import MAX_JSON_BYTES

MAX_FIELDS: Final = 500
_FORM: Final = "application/x-www-form-urlencoded"

_log = structlog.get_logger()


class WebhookRejected(Exception):
    """The request is not authentic, or malformed. The response is a 403 without a body."""


async def read_signed_request(request: ApiRequest) -> tuple[SignedRequest, Mapping[str, str]]:
    """Return the request as it arrived, and the parameters of its URL."""
    scope: Any = request.scope
    try:
        request.require_identity_encoding()
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
    # The signature is not verified yet, and parsing a form of 3 MB can take 20 s.
    if len(body) > MAX_JSON_BYTES:
        raise ValueError
    errors = "surrogateescape"  # keeps all bytes, which are what is signed
    form = parse_qsl(
        body.decode(errors=errors),
        keep_blank_values=True,
        errors=errors,
        max_num_fields=MAX_FIELDS,
    )
    return SignedRequest(url, headers, tuple(form), body)


def _respond_to_rejected(_: ApiRequest, __: WebhookRejected) -> Response[bytes]:
    return Response(b"", status_code=403, media_type="text/plain")


EXCEPTION_HANDLERS: Final[dict[Any, Any]] = {WebhookRejected: _respond_to_rejected}
"""Handlers for the controllers of providers' requests."""

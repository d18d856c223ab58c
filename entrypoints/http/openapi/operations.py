"""Additions to the description of an operation, from the options of its route.

- `request_body` describes a body that is no JSON, or may be absent.
- `union` is the name of a response that is one of several: generated clients have a type of it.
- `file_responses` describes responses of bytes, by status.
- `act` is what an operator does. The docstring says `{does}` for what the act does, and `{who}` for
  who may.

The attribute `also_in_example` of a body names the fields of its example that are not required.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

import msgspec
from litestar.handlers import HTTPRouteHandler

from application.administration.acts import Act
from domain.administration.scopes import roles_with
from entrypoints.http.fields import USER_ID_EXAMPLE, header
from entrypoints.http.requests.parsing import body_type

HEADERS: Final[Mapping[str, Any]] = {
    "RequestId": header(
        "The id of the request, which is also in the log of the service.",
        "7d5f3a0c9be14f6c8a7b6c5d4e3f2a1b",
    ),
    "NoStore": header("No cache may store this response.", "no-store"),
    "RetryAfter": header("Seconds until the same request may succeed.", 5),
    "WWWAuthenticate": header(
        "The authentication scheme. It has an error only if a token was sent (RFC 6750).",
        'Bearer error="invalid_token"',
    ),
    "Allow": header("The methods that the path supports.", "OPTIONS, POST"),
    "Location": header(
        "The path of what exists now. Resolve it against the URL of the request.",
        f"/users/{USER_ID_EXAMPLE}",
    ),
}
_ALWAYS: Final = {"X-Request-Id": "RequestId", "Cache-Control": "NoStore"}
_BY_STATUS: Final = {
    "201": {"Location": "Location"},
    "401": {"WWW-Authenticate": "WWWAuthenticate"},
    "405": {"Allow": "Allow"},
    "429": {"Retry-After": "RetryAfter"},
    "503": {"Retry-After": "RetryAfter"},
}


def headers_of(status: str) -> dict[str, Any]:
    """Return the headers that all responses with this status have."""
    names = _ALWAYS | _BY_STATUS.get(status, {})
    return {key: {"$ref": f"#/components/headers/{value}"} for key, value in names.items()}


def describe_operation(
    operation: dict[str, Any], handler: HTTPRouteHandler, schemas: Mapping[str, Any]
) -> None:
    """Add what the options of the route say, but for the errors."""
    # Litestar omits an empty list: then clients would send a token to public operations.
    operation.setdefault("security", [])
    act: Act | None = handler.opt.get("act")
    if act is not None:
        text = operation["description"].replace("{does}", act.does)
        operation["description"] = text.replace("{who}", _describe_who_may(act))
    if "request_body" in handler.opt:
        operation["requestBody"] = deepcopy(handler.opt["request_body"])
    if body := body_type(handler):
        content = operation["requestBody"]["content"]["application/json"]
        schema = schemas.get(content["schema"].get("$ref", "").rpartition("/")[2])
        if schema:  # an optional body is a union
            content["example"] = _make_example(schema, body)
    responses = operation["responses"] | deepcopy(handler.opt.get("file_responses", {}))
    # Litestar has a 400 of its own for parameters, and the body `null` for a `Response[None]`.
    responses.pop("400", None)
    responses.get("204", {}).pop("content", None)
    if union := handler.opt.get("union"):
        success = responses[str(handler.status_code)]
        success["content"]["application/json"]["schema"]["title"] = union
    for status, response in responses.items():
        response["headers"] = headers_of(status) | response.get("headers", {})
    operation["responses"] = responses


def _make_example(schema: Mapping[str, Any], body: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields that are needed: Swagger UI would invent a value for every field."""
    shown = [*schema["required"], *getattr(body, "also_in_example", ())]
    return {
        name: field["examples"][0]
        for name, field in schema["properties"].items()
        if name in shown and "examples" in field
    }


def _describe_who_may(act: Act) -> str:
    if act.scope is None:
        return "Only a command does it"
    roles = " or ".join(f"`{role}`" for role in roles_with(act.scope))
    fresh = " People signed in within the\nlast 15 minutes." if act.needs_fresh_login else ""
    return f"It needs the scope `{act.scope}`, which the role {roles} has.{fresh}".removesuffix(".")

"""What the options of its route add to the description of an operation.

- `request_body` describes a body that is no JSON, or may be absent.
- `describe_body` changes the schema of a body as the settings say.
- `file_responses` describes responses of bytes, by status.
- `union` is the name of a response that is one of several; only one of them matches.
- `links` has the operations that can follow, with their parameters.
- `act` is what an operator does. The docstring says `{does}` for what the act does, and `{who}` for
  who may.
- `errors` and `unavailable_error` are in `responses.py`.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

from litestar.handlers import HTTPRouteHandler

from application.administration.acts import Act
from domain.administration.role_scopes import roles_with
from entrypoints.http.fields import USER_ID_EXAMPLE, header
from entrypoints.http.requests.parsing import body_type
from entrypoints.http.settings import HttpSettings

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


def describe_operation(
    operation: dict[str, Any],
    handler: HTTPRouteHandler,
    schemas: Mapping[str, Any],
    settings: HttpSettings,
) -> None:
    """Add what the options of the route say, but for the responses."""
    # Litestar omits an empty list: then clients would send a token to public operations.
    operation.setdefault("security", [])
    act: Act | None = handler.opt.get("act")
    if act is not None:
        text = operation["description"].replace("{does}", act.does)
        operation["description"] = text.replace("{who}", _describe_who_may(act))
    if "request_body" in handler.opt:
        operation["requestBody"] = deepcopy(handler.opt["request_body"])
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        reference = body["schema"].get("$ref", "")
        schema = schemas.get(reference.rpartition("/")[2], body["schema"])
        if "describe_body" in handler.opt:
            handler.opt["describe_body"](schema, settings)
        body["example"] = _make_example(schema, handler)


def _make_example(schema: Mapping[str, Any], handler: HTTPRouteHandler) -> dict[str, Any]:
    """Return the fields that are required: Swagger UI would invent a value for every field."""
    combinations = getattr(body_type(handler), "combinations", [{"required": ()}])
    shown = (*schema.get("required", ()), *combinations[0]["required"])
    return {
        name: field["examples"][0]
        for name, field in schema.get("properties", {}).items()
        if name in shown and "examples" in field
    }


def _describe_who_may(act: Act) -> str:
    """Return who may do it, without the last period."""
    if act.scope is None:
        return "Only a command does it"
    roles = " or ".join(f"`{role}`" for role in roles_with(act.scope))
    fresh = " People signed in within the\nlast 15 minutes." if act.needs_fresh_login else ""
    return f"It needs the scope `{act.scope}`, which the role {roles} has.{fresh}".removesuffix(".")


def describe_responses(
    operation: dict[str, Any],
    handler: HTTPRouteHandler,
    errors: Mapping[str, Any],
    links: Iterable[Mapping[str, Mapping[str, str]]],
) -> None:
    """Add the errors, the responses of bytes, the headers, and the operations that can follow."""
    described = operation["responses"] | deepcopy(handler.opt.get("file_responses", {}))
    # Litestar has a 400 of its own for parameters, and the body `null` for a `Response[None]`.
    described.pop("400", None)
    described.get("204", {}).pop("content", None)
    if "union" in handler.opt:
        success = described[str(handler.status_code)]["content"]["application/json"]["schema"]
        success["title"] = handler.opt["union"]
    operation["responses"] = dict(sorted({**errors, **described}.items()))
    for status, response in operation["responses"].items():
        names = _ALWAYS | _BY_STATUS.get(status, {})
        headers = {key: {"$ref": f"#/components/headers/{value}"} for key, value in names.items()}
        response["headers"] = {**headers, **response.get("headers", {})}
    for by_name in (handler.opt.get("links", {}), *links):
        for name, parameters in by_name.items():
            link = {"operationId": name, "parameters": dict(parameters)}
            success = operation["responses"][str(handler.status_code)]
            success.setdefault("links", {})[name] = link

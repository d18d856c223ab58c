"""The OpenAPI description of the API."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute

from entrypoints.http.auth import BEARER
from entrypoints.http.errors.table import Api, api_of
from entrypoints.http.fields import header
from entrypoints.http.openapi.responses import (
    ErrorSchema,
    add_error_schemas,
    describe_errors,
    errors_of,
    render_shared_errors,
)
from entrypoints.http.otp.schemas import OTP_EXAMPLE, OTP_PATTERN, otp_pattern
from entrypoints.http.parsing import body_type
from entrypoints.http.request import ApiRequest
from entrypoints.http.settings import HttpSettings

_ABOUT: Final = """\
Sign in with a code that is sent to a phone. Manage users and a library of images.

Start with `request-otp`: the message has a code, and `verify-otp` exchanges it for an access token,
which later requests send as `Authorization: Bearer <token>`. `POST /users` then makes the caller a
user, who can upload images.

If the message does not arrive, `GET /auth/requests/{request_id}` says so. `request-otp` with the
channel `voice` calls the phone instead.

JSON is sent as `application/json`. Every response has an `X-Request-Id`, which is also in the log
of the service. HEAD works wherever GET does. OPTIONS and the `Allow` header of a 405 list the
methods of a path.

## Errors

Every error has a message for people and a stable `code` for programs. Invalid fields are a 400 with
the code `invalid`; `field_errors` lists them, each with a code of its own. A rate limit is a 429
with `Retry-After` in seconds, which is also `retry_after` in the body. After too many attempts with
a code, `resend_in` says when a new one can be requested. These errors are not about one operation:

"""
_TAGS: Final = {
    "OTP": "Request a one-time code, and exchange it for an access token.",
    "Users": "Create, show, rename and delete users.",
    "Library": "Upload images, and list, label and delete them.",
    "Sessions": "Refresh, list and end sessions.",
    "Calls": "List calls, and listen to what callers left.",
    "Operations": "Health checks and public keys, for other services.",
    "Legacy OTP": "Two paths for existing clients of the older mobile app.",
}
"""In the order of use."""

_ITEM_OF_UPLOAD: Final = {"item_id": "$response.body#/id"}
_FIRST_ITEM: Final = {"item_id": "$response.body#/items/0/id"}
_CREATED_USER: Final = {"user_id": "$response.body#/user_id"}
_LINKS: Final[Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]]] = {
    ("create_user", "201"): {"get_user": _CREATED_USER, "list_library_items": _CREATED_USER},
    ("list_library_items", "200"): {"get_library_item": _FIRST_ITEM},
    ("upload_image", "201"): {
        "get_library_item": _ITEM_OF_UPLOAD,
        "update_library_item": _ITEM_OF_UPLOAD,
        "delete_library_item": _ITEM_OF_UPLOAD,
    },
}
"""By operation and status: the operations that can follow, with their parameters."""

_ERROR_SCHEMAS_PATH: Final = "/error-schemas"
_RETRY_AFTER: Final = "Seconds until the same request may succeed."
_HEADERS: Final[Mapping[str, Any]] = {
    "RequestId": header(
        "The id of the request, which is also in the log of the service.",
        "7d5f3a0c9be14f6c8a7b6c5d4e3f2a1b",
    ),
    "NoStore": header("No cache may store this response.", "no-store"),
    "RetryAfter": header(_RETRY_AFTER, 5),
    "OptionalRetryAfter": header(
        f"{_RETRY_AFTER} Absent if waiting does not help.", 5, required=False
    ),
    "WWWAuthenticate": header(
        "The authentication scheme. It has an error only if a token was sent (RFC 6750).",
        'Bearer error="invalid_token"',
    ),
    "Allow": header("The methods that the path supports.", "OPTIONS, POST"),
}
_ALWAYS: Final = {"X-Request-Id": "RequestId", "Cache-Control": "NoStore"}
_BY_STATUS: Final[Mapping[str, Mapping[str, str]]] = {
    "401": {"WWW-Authenticate": "WWWAuthenticate"},
    "405": {"Allow": "Allow"},
    "429": {"Retry-After": "RetryAfter"},
    "503": {"Retry-After": "RetryAfter"},
}


@get(_ERROR_SCHEMAS_PATH)
async def _list_error_schemas() -> ErrorSchema:
    """Make the framework generate the schemas of errors. This is no operation of the API."""
    raise NotImplementedError


def describe_api(controllers: Sequence[type[Controller]], settings: HttpSettings) -> dict[str, Any]:
    """Return the OpenAPI description of these controllers.

    Litestar generates it from an application that serves no requests: an application with
    `openapi_config` would also serve pages that load scripts from other hosts.
    """
    app = Litestar(
        route_handlers=[*controllers, _list_error_schemas],
        request_class=ApiRequest,
        openapi_config=_openapi_config(settings),
        logging_config=None,
    )
    handlers = _handlers_by_operation(app)
    description = app.openapi_schema.to_schema()
    del description["paths"][_ERROR_SCHEMAS_PATH]
    _correct_schemas(description, filter(None, map(body_type, handlers.values())))
    _set_otp_length(description, settings.otp_length)
    _add_request_examples(description)
    _correct_responses(description, handlers)
    add_error_schemas(description["components"]["schemas"])
    _remove_unused_schemas(description)
    _add_links(description)
    return description


def render_document(controllers: Sequence[type[Controller]], version: str) -> str:
    """Render `docs/openapi.json`: the description with default settings and without a host."""
    settings = HttpSettings(version, public_url="/", upload_limit=0)
    return json.dumps(describe_api(controllers, settings), indent=2, ensure_ascii=False) + "\n"


def _openapi_config(settings: HttpSettings) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Dialtone",
        version=settings.version,
        contact=Contact(name="The operator of this service"),
        license=License(name="Apache License 2.0", identifier="Apache-2.0"),
        description=_ABOUT + render_shared_errors(),
        servers=[Server(url=settings.public_url)],
        security=BEARER,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="The `access_token` of `verify-otp`.",
                )
            }
        ),
        tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, *_: handler.handler_name,
    )


def _handlers_by_operation(app: Litestar) -> dict[str, HTTPRouteHandler]:
    return {
        handler.handler_name: handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
    }


def _correct_schemas(
    description: dict[str, Any], request_bodies: Iterable[type[msgspec.Struct]]
) -> None:
    """Make the framework's schemas exact.

    - A body that forbids unknown fields says so.
    - All fields of a response are required, except those that it may omit.
    - A union is `anyOf`: a response may match two of its schemas.
    """
    bodies = {body.__name__: body for body in request_bodies}
    for name, schema in description["components"]["schemas"].items():
        optional = {key for key, field in schema["properties"].items() if _is_optional(field)}
        if name not in bodies:
            schema["required"] = sorted(schema["properties"].keys() - optional)
        elif bodies[name].__struct_config__.forbid_unknown_fields:
            schema["additionalProperties"] = False
    _replace_one_of(description)


def _set_otp_length(description: dict[str, Any], length: int) -> None:
    """Describe the length of codes that the operator chose."""
    for schema in description["components"]["schemas"].values():
        for field in schema["properties"].values():
            if field.get("pattern") == OTP_PATTERN:
                field["pattern"] = otp_pattern(length)
                field["examples"] = [f"{OTP_EXAMPLE:0{length}d}"]


def _is_optional(schema: dict[str, Any]) -> bool:
    # The framework describes a field that msgspec may omit as a union of one type.
    return len(schema.get("oneOf", ())) == 1


def _replace_one_of(part: Any) -> None:
    if isinstance(part, list):
        for element in part:
            _replace_one_of(element)
    elif isinstance(part, dict):
        alternatives = part.get("oneOf")
        if isinstance(alternatives, list):
            del part["oneOf"]
            if len(alternatives) == 1:
                part.update({**alternatives[0], **part})
            else:
                part["anyOf"] = alternatives
        for element in part.values():
            _replace_one_of(element)


def _add_request_examples(description: dict[str, Any]) -> None:
    """Add an example to each JSON body: the fields that are required, with their examples.

    Programs that show the description would otherwise invent a value for every field.
    """
    schemas = description["components"]["schemas"]
    for operation in _operations(description):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            schema = schemas[body["schema"]["$ref"].rpartition("/")[2]]
            required = schema.get("required", ())
            body["example"] = {
                name: field["examples"][0]
                for name, field in schema["properties"].items()
                if name in required
            }


def _correct_responses(
    description: dict[str, Any], handlers: Mapping[str, HTTPRouteHandler]
) -> None:
    """Add security, headers and errors; remove the framework's own errors."""
    shared: dict[str, Any] = {}
    description["components"]["headers"] = dict(_HEADERS)
    description["components"]["responses"] = shared
    for path, operations in description["paths"].items():
        api = api_of(path)
        for operation in operations.values():
            # A public operation says so; the framework omits an empty list.
            security = operation.setdefault("security", [])
            handler = handlers[operation["operationId"]]
            own = {*map(str, handler.responses or ())}
            successes = {
                status: (response, None)
                for status, response in operation.pop("responses").items()
                if status < "400" or status in own
            }
            responses = {**describe_errors(api, errors_of(handler, security)), **successes}
            operation["responses"] = {}
            for status, (response, name) in sorted(responses.items()):
                response["headers"] = _response_headers(api, status, response)
                if name is None:
                    operation["responses"][status] = response
                else:
                    shared[name] = response
                    operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _remove_unused_schemas(description: dict[str, Any]) -> None:
    """Remove schemas that no operation refers to, such as those that errors are made from."""
    schemas = description["components"].pop("schemas")
    used: dict[str, Any] = {}
    names = _references(description)
    while names:
        used |= {name: schemas[name] for name in names}
        names = {other for name in names for other in _references(schemas[name])} - used.keys()
    description["components"]["schemas"] = dict(sorted(used.items()))


def _references(part: Any) -> set[str]:
    """Return the names of all schemas that this part of the description refers to."""
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(part)))


def _operations(description: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in description["paths"].values():
        yield from operations.values()


def _response_headers(api: Api, status: str, response: Mapping[str, Any]) -> dict[str, Any]:
    names = {**_ALWAYS, **_BY_STATUS.get(status, {})}
    if api is Api.LEGACY and status == "500":
        # In the legacy API, 500 stands for "unavailable" and for unexpected errors alike.
        names["Retry-After"] = "OptionalRetryAfter"
    headers = {name: {"$ref": f"#/components/headers/{key}"} for name, key in names.items()}
    return {**headers, **response.get("headers", {})}


def _add_links(description: dict[str, Any]) -> None:
    for operation in _operations(description):
        for status, response in operation["responses"].items():
            if links := _LINKS.get((operation["operationId"], status)):
                response["links"] = {
                    name: {"operationId": name, "parameters": dict(parameters)}
                    for name, parameters in links.items()
                }

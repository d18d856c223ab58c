"""The OpenAPI description of the API."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from importlib.metadata import version
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute

from entrypoints.http.auth import BEARER
from entrypoints.http.errors.table import Api, api_of
from entrypoints.http.fields import USER_ID_EXAMPLE, header
from entrypoints.http.openapi import responses
from entrypoints.http.otp.schemas import OTP_EXAMPLE, OTP_PATTERN, otp_pattern
from entrypoints.http.parsing import body_type
from entrypoints.http.request import ApiRequest
from entrypoints.http.settings import HttpServerSettings, HttpSettings

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
_HEADERS: Final[Mapping[str, Any]] = {
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


@get(_ERROR_SCHEMAS_PATH)
async def _list_error_schemas() -> (
    responses.ErrorFields | responses.InvalidFieldsError | responses.LegacyError
):
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
    handlers = {
        handler.handler_name: handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
    }
    description = app.openapi_schema.to_schema()
    del description["paths"][_ERROR_SCHEMAS_PATH]
    components = description["components"]
    schemas = components.pop("schemas")
    _correct_schemas(schemas, filter(None, map(body_type, handlers.values())))
    _set_otp_length(schemas, settings.otp.otp_length)
    components |= {"headers": dict(_HEADERS), "responses": {}}
    for path, operations in description["paths"].items():
        for operation in operations.values():
            handler = handlers[operation["operationId"]]
            _correct_request_body(operation, handler, schemas)
            _correct_responses(operation, handler, api_of(path), components["responses"])
    responses.add_error_schemas(schemas)
    components["schemas"] = dict(sorted(schemas.items()))
    corrected: dict[str, Any] = json.loads(json.dumps(description), object_hook=_replace_one_of)
    return corrected


def render_document(controllers: Sequence[type[Controller]]) -> str:
    """Render `docs/openapi.json`: the description with default settings and without a host."""
    settings = HttpSettings(server=HttpServerSettings(public_url="/"))
    return json.dumps(describe_api(controllers, settings), indent=2, ensure_ascii=False) + "\n"


def _openapi_config(settings: HttpSettings) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Dialtone",
        version=version("dialtone"),
        contact=Contact(name="The operator of this service"),
        license=License(name="Apache License 2.0", identifier="Apache-2.0"),
        description=_ABOUT + responses.render_shared_errors(),
        servers=[Server(url=settings.server.public_url)],
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


def _correct_schemas(
    schemas: dict[str, Any], request_bodies: Iterable[type[msgspec.Struct]]
) -> None:
    """Make the framework's schemas exact.

    - A body that forbids unknown fields says so.
    - All fields of a response are required, except those that it may omit.
    """
    bodies = {body.__name__: body for body in request_bodies}
    for name, schema in schemas.items():
        if name not in bodies:
            # The framework lists no field with a default. It shows each default but that of a field
            # that msgspec may omit.
            always = (key for key, field in schema["properties"].items() if "default" in field)
            schema["required"] = sorted({*schema["required"], *always})
        elif bodies[name].__struct_config__.forbid_unknown_fields:
            schema["additionalProperties"] = False


def _set_otp_length(schemas: dict[str, Any], length: int) -> None:
    """Describe the length of codes that the operator chose."""
    for schema in schemas.values():
        for field in schema["properties"].values():
            if field.get("pattern") == OTP_PATTERN:
                field["pattern"] = otp_pattern(length)
                field["examples"] = [f"{OTP_EXAMPLE:0{length}d}"]


def _replace_one_of(part: dict[str, Any]) -> dict[str, Any]:
    """Make a union `anyOf`, because a value may match two of its schemas, or else its only type.

    A value that may be null gets two types instead: openapi-generator mixes up fields whose schemas
    have the same alternatives, and loses their formats.
    """
    alternatives: list[dict[str, Any]] = part.pop("oneOf", [])
    types = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    if len(types) == 1 < len(alternatives) and "type" in types[0]:
        return part | types[0] | {"type": [types[0]["type"], "null"]}
    if len(alternatives) == 1:
        return part | alternatives[0]
    return part | {"anyOf": alternatives} if alternatives else part


def _correct_request_body(
    operation: dict[str, Any], handler: HTTPRouteHandler, schemas: Mapping[str, Any]
) -> None:
    """Describe a body as the option `request_body` of the handler says, and add an example to JSON.

    The example has the fields that are required. Programs that show the description would otherwise
    invent a value for every field.
    """
    if "request_body" in handler.opt:
        operation["requestBody"] = deepcopy(handler.opt["request_body"])
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
    operation: dict[str, Any], handler: HTTPRouteHandler, api: Api, shared: dict[str, Any]
) -> None:
    """Add security, headers, links, errors and what the option `file_responses` describes.

    The framework's own error of invalid parameters is removed.
    A response that many operations have is written to `shared`, and referred to.
    """
    # A public operation says so; the framework omits an empty list.
    security = operation.setdefault("security", [])
    described = operation.pop("responses") | deepcopy(handler.opt.get("file_responses", {}))
    described.pop("400", None)
    successes = {status: (response, None) for status, response in described.items()}
    errors = responses.describe_errors(api, responses.errors_of(handler, security))
    operation["responses"] = {}
    for status, (response, name) in sorted({**errors, **successes}.items()):
        names = _ALWAYS | _BY_STATUS.get(status, {})
        headers = {key: {"$ref": f"#/components/headers/{value}"} for key, value in names.items()}
        response["headers"] = {**headers, **response.get("headers", {})}
        if links := _LINKS.get((operation["operationId"], status)):
            response["links"] = {
                next_operation: {"operationId": next_operation, "parameters": parameters}
                for next_operation, parameters in links.items()
            }
        if name is None:
            operation["responses"][status] = response
        else:
            shared[name] = response
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}

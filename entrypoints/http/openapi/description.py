"""The OpenAPI description of the API."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute

from entrypoints.http.dependencies import HttpSettings, make_dependencies
from entrypoints.http.errors.exceptions import MethodNotAllowed
from entrypoints.http.errors.table import Api, api_of, error_body
from entrypoints.http.otp.schemas import OTP_EXAMPLE, OTP_PATTERN, otp_pattern

_ABOUT: Final = """\
Sign in with a code that is sent to a phone. Manage users and a library of images.

Every error has a message for people and a stable `code` for programs. Invalid fields are listed
under `errors`, and with a code for each message under `field_errors`. A rate limit is a 429 with
`Retry-After` in seconds. Every response has an `X-Request-Id`, which is also in the log of the
service. HEAD works wherever GET does. A method that a path does not support is a 405; its `Allow`
header lists the supported methods, as OPTIONS does. JSON is sent as `application/json`. Pages of
other origins can only read, unless the operator lists their origin.
"""
_TAGS: Final = {
    "OTP": "Request a one-time code, and exchange it for an access token.",
    "Sessions": "Refresh, list and end sessions.",
    "Users": "Create, show, rename and delete users.",
    "Library": "Upload images, and list, label and delete them.",
    "Legacy OTP": "Two paths for existing clients of the older mobile app.",
    "Operations": "Health checks and public keys, for other services.",
}

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

_FRAMEWORK_ERROR_FIELDS: Final = {"detail", "status_code"}
_METHOD_NOT_ALLOWED: Final = {
    Api.MAIN: ("MethodNotAllowed", "Error", "OPTIONS, POST"),
    Api.LEGACY: ("LegacyMethodNotAllowed", "LegacyError", "POST"),
}
"""By API: the names of the shared 405 response and of its schema, and an example of `Allow`."""


def _header(description: str, example: str | int, *, required: bool = True) -> dict[str, Any]:
    return {
        "description": description,
        "required": required,
        "schema": {
            "type": "integer" if isinstance(example, int) else "string",
            "examples": [example],
        },
    }


_RETRY_AFTER: Final = "Seconds until the same request may succeed."
_HEADERS: Final[Mapping[str, Any]] = {
    "RequestId": _header(
        "The id of the request, which is also in the log of the service.",
        "7d5f3a0c9be14f6c8a7b6c5d4e3f2a1b",
    ),
    "NoStore": _header("No cache may store this response.", "no-store"),
    "RetryAfter": _header(_RETRY_AFTER, 5),
    "OptionalRetryAfter": _header(
        f"{_RETRY_AFTER} Absent if waiting does not help.", 5, required=False
    ),
    "WWWAuthenticate": _header(
        "The authentication scheme. It has an error only if a token was sent (RFC 6750).",
        'Bearer error="invalid_token"',
    ),
    "Allow": _header("The methods that the path supports.", "OPTIONS, POST"),
}
_ALWAYS: Final = {"X-Request-Id": "RequestId", "Cache-Control": "NoStore"}
_BY_STATUS: Final[Mapping[str, Mapping[str, str]]] = {
    "401": {"WWW-Authenticate": "WWWAuthenticate"},
    "405": {"Allow": "Allow"},
    "429": {"Retry-After": "RetryAfter"},
    "503": {"Retry-After": "RetryAfter"},
}


def describe_api(controllers: Sequence[type[Controller]], settings: HttpSettings) -> dict[str, Any]:
    """Return the OpenAPI description of these controllers.

    Litestar generates it from an application that serves no requests: an application with
    `openapi_config` would also serve pages that load scripts from other hosts.
    """
    app = Litestar(
        route_handlers=list(controllers),
        dependencies=make_dependencies(settings),
        openapi_config=_openapi_config(settings.version),
        logging_config=None,
    )
    description = app.openapi_schema.to_schema()
    _correct_schemas(description, _request_bodies(app))
    _set_otp_length(description, settings.otp_length)
    _correct_responses(description)
    _add_links(description)
    return description


def _openapi_config(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Dialtone",
        version=version,
        description=_ABOUT,
        servers=[Server(url="/")],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="The `access_token` of a sign-in.",
                )
            }
        ),
        tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
        use_handler_docstrings=True,
    )


def _request_bodies(app: Litestar) -> Iterator[type[msgspec.Struct]]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            data = handler.parsed_fn_signature.parameters.get("data")
            for field in (data, *data.inner_types) if data else ():
                if field.is_subclass_of(msgspec.Struct):
                    yield field.annotation


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


def _correct_responses(description: dict[str, Any]) -> None:
    """Add headers, error codes and the 405; remove the framework's own errors."""
    description["components"]["headers"] = dict(_HEADERS)
    description["components"]["responses"] = {
        name: _method_not_allowed(api, schema, allowed)
        for api, (name, schema, allowed) in _METHOD_NOT_ALLOWED.items()
    }
    for path, operations in description["paths"].items():
        api = api_of(path)
        for operation in operations.values():
            responses = {
                status: {**response, "headers": _response_headers(api, status, response)}
                for status, response in operation["responses"].items()
                if not _is_framework_error(response)
            }
            name = _METHOD_NOT_ALLOWED[api][0]
            responses["405"] = {"$ref": f"#/components/responses/{name}"}
            operation["responses"] = dict(sorted(responses.items()))
            for response in responses.values():
                _list_error_codes(response)


def _list_error_codes(response: dict[str, Any]) -> None:
    """List the codes of the response's examples as an enum; there is an example for each."""
    for content in response.get("content", {}).values():
        examples = [example["value"] for example in content.get("examples", {}).values()]
        codes = {example["code"] for example in examples if "code" in example}
        if codes:
            schema = content["schema"]
            content["schema"] = {
                **(schema if "anyOf" in schema else {"allOf": [schema]}),
                "properties": {"code": {"type": "string", "enum": sorted(codes)}},
            }


def _response_headers(api: Api, status: str, response: Mapping[str, Any]) -> dict[str, Any]:
    names = {**_ALWAYS, **_BY_STATUS.get(status, {})}
    if api is Api.LEGACY and status == "500":
        # In the legacy API, 500 stands for "unavailable" and for unexpected errors alike.
        names["Retry-After"] = "OptionalRetryAfter"
    headers = {name: {"$ref": f"#/components/headers/{key}"} for name, key in names.items()}
    return {**headers, **response.get("headers", {})}


def _method_not_allowed(api: Api, schema: str, allowed: str) -> dict[str, Any]:
    content = {
        "schema": {"$ref": f"#/components/schemas/{schema}"},
        "examples": {"method_not_allowed": {"value": error_body(MethodNotAllowed(allowed), api)}},
    }
    response = {
        "description": "The path does not support the method.",
        "headers": _response_headers(api, "405", {}),
        "content": {"application/json": content},
    }
    _list_error_codes(response)
    return response


def _is_framework_error(response: Mapping[str, Any]) -> bool:
    schemas = [content.get("schema", {}) for content in response.get("content", {}).values()]
    return any(set(schema.get("required", ())) == _FRAMEWORK_ERROR_FIELDS for schema in schemas)


def _add_links(description: dict[str, Any]) -> None:
    for operations in description["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if links := _LINKS.get((operation["operationId"], status)):
                    response["links"] = {
                        name: {"operationId": name, "parameters": dict(parameters)}
                        for name, parameters in links.items()
                    }

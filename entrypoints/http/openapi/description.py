"""The OpenAPI description of the API."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server
from litestar.routes import HTTPRoute

from entrypoints.http.additions import ABOUT_API, ABOUT_TOKENS, HttpAdditions
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.fields import InvalidFieldsError, ServiceError
from entrypoints.http.errors.table import ErrorTable
from entrypoints.http.openapi.operations import HEADERS, describe_operation
from entrypoints.http.openapi.responses import ErrorResponses, render_shared_errors
from entrypoints.http.openapi.schemas import StructNames, describe_structs, describe_values
from entrypoints.http.otp.schemas import describe_otp_length
from entrypoints.http.requests.auth import BEARER
from entrypoints.http.requests.dependencies import provide_features
from entrypoints.http.requests.parsing import body_type
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.settings import HttpSettings
from entrypoints.parts.version import installed_version

_ABOUT: Final = """\
Sign in with a code that is sent to a phone, and manage users.

Start with `request-otp`: the message has a code, and `verify-otp` exchanges it for an access token,
which later requests send as `Authorization: Bearer <token>`. `POST /users` then gives the
user a name. If the message does not arrive, `GET /auth/requests/{request_id}` says so.
"""
_ABOUT_ERRORS: Final = """\
JSON is sent as `application/json`. Every response has an `X-Request-Id`, which is also in the log
of the service. HEAD is answered as GET would be, and counts for limits of requests only. OPTIONS
and the `Allow` header of a 405 list the methods of a path.

## Pages

A list that is long has pages. Send the `next_cursor` of a page as `cursor`, with the same filter,
until it is null. Items that are added or deleted meanwhile shift no page. A cursor is opaque, and
never expires.

## Later versions

The paths, methods, fields, codes and statuses that you use stay, with their meaning, and a required
field of a response stays required. A later version may add fields of responses, which you ignore,
and paths, methods, headers, and fields of requests that may be absent. It may also add text values
of responses (`x-extensible-enum` lists the known ones): for an unknown `code` go by the status,
take an unknown delivery status as not final, and show any other unknown value as it is, or not at
all.

## Errors

Every error has a message for people, which may change, and a stable `code` for programs: decide by
the status and by `code`. Invalid fields are a 400 with the code `invalid`; `field_errors` lists
them, each with a code of its own. A rate limit is a 429 with `Retry-After` in seconds, which is
also `retry_after` in the body. After too many attempts with a code, `resend_in` says when a new one
can be requested. These errors are not about one operation:

"""


def describe_api(
    controllers: Sequence[type[Controller]],
    settings: HttpSettings,
    errors: ErrorTable,
    additions: Sequence[HttpAdditions],
) -> dict[str, Any]:
    """Return the OpenAPI description of these controllers.

    Litestar generates it from an application that serves no requests: an application with
    `openapi_config` would also serve pages that load scripts from other hosts.
    """
    named = StructNames()
    app = Litestar(
        route_handlers=[*controllers],
        request_class=ApiRequest,
        dependencies=dict(
            provide_features(path for addition in additions for path in addition.use_cases)
        ),
        plugins=[named],
        openapi_config=_openapi_config(settings, additions),
        logging_config=None,
    )
    description: dict[str, Any] = app.openapi_schema.to_schema()
    handlers = {
        (route.path_format, method.lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }
    bodies = {*filter(None, map(body_type, handlers.values()))}
    schemas = _describe_schemas(
        description["components"]["schemas"], named.structs, bodies, additions
    )
    describe_otp_length(schemas.values(), settings)
    responses = ErrorResponses(errors, additions)
    for path, by_method in description["paths"].items():
        for method, operation in by_method.items():
            handler = handlers[path, method]
            describe_operation(operation, handler, schemas)
            needs_token = BEARER[0] in operation["security"]
            by_status = responses.describe(handler, path, needs_token=needs_token)
            operation["responses"] = dict(sorted({**by_status, **operation["responses"]}.items()))
            texts = map(str.rstrip, _texts(additions, operation["operationId"]))
            operation["description"] = "\n\n".join([operation["description"], *texts])
    describe_values(schemas[ServiceError.__name__]["properties"]["code"], sorted(responses.codes))
    tags = {
        tag: handler.opt["tag_description"]
        for handler in handlers.values()
        if "tag_description" in handler.opt
        for tag in handler.resolve_tags()
    }
    description["tags"] = [{"name": name, "description": text} for name, text in tags.items()]
    description["components"] |= {
        "headers": dict(HEADERS),
        "responses": responses.shared,
        "schemas": dict(sorted(schemas.items())),
    }
    return description


def _describe_schemas(
    generated: Mapping[str, Any],
    structs: Mapping[str, type[msgspec.Struct]],
    bodies: Collection[type[msgspec.Struct]],
    additions: Sequence[HttpAdditions],
) -> dict[str, Any]:
    """Return all schemas by their names: where two Structs have one, Litestar makes others."""
    tables = [addition.error_table.schema for addition in additions if addition.error_table]
    names, schemas = describe_structs(
        [*structs.values(), ServiceError, InvalidFieldsError, *filter(None, tables)],
        bodies,
        [pair for addition in additions for pair in addition.fields.items()],
    )
    for name, schema in generated.items():
        struct = structs.get(schema.get("title"))
        schemas[name] = schemas[names[struct]] if struct else schema
    # What features add is known here only.
    schemas[ServiceError.__name__]["required"] = ["code", "error"]
    field_codes = [code for addition in additions for code in addition.field_codes]
    code = schemas[FieldError.__name__]["properties"]["code"]
    describe_values(code, [*FieldErrorCode, *field_codes])
    return schemas


def _texts(additions: Iterable[HttpAdditions], about: str) -> list[str]:
    return [addition.about[about] for addition in additions if about in addition.about]


def _openapi_config(settings: HttpSettings, additions: Sequence[HttpAdditions]) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Dialtone",
        version=installed_version(),
        contact=Contact(name="The operator of this service"),
        license=License(name="Apache License 2.0", identifier="Apache-2.0"),
        description="\n".join([_ABOUT, *_texts(additions, ABOUT_API), _ABOUT_ERRORS])
        + render_shared_errors(),
        servers=[Server(url=settings.server.public_url)],
        security=BEARER,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description=" ".join(
                        ["The `access_token` of `verify-otp`.", *_texts(additions, ABOUT_TOKENS)]
                    ),
                )
            }
        ),
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, *_: handler.handler_name,
    )

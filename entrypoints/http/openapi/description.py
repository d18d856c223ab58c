"""The OpenAPI description of the API."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Union

import msgspec
from litestar import Controller, Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server
from litestar.routes import HTTPRoute

from domain.administration.scope import Scope
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.fields import InvalidFieldsError, ServiceError
from entrypoints.http.errors.table import ErrorTable
from entrypoints.http.openapi import corrections, operations, responses
from entrypoints.http.plugin import ABOUT_API, ABOUT_TOKENS, ApiPlugin
from entrypoints.http.requests.auth import BEARER
from entrypoints.http.requests.parsing import body_type, with_fields
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.settings import HttpSettings
from entrypoints.version.distribution import installed_version

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

## Errors

Every error has a message for people and a stable `code` for programs. Invalid fields are a 400 with
the code `invalid`; `field_errors` lists them, each with a code of its own. A rate limit is a 429
with `Retry-After` in seconds, which is also `retry_after` in the body. After too many attempts with
a code, `resend_in` says when a new one can be requested. A later version may add codes, other
values and fields: treat a code that you do not know by its status. These errors are not about one
operation:

"""

_SCHEMAS_PATH: Final = "/schemas"


def _list_schemas(structs: Iterable[type[msgspec.Struct]]) -> HTTPRouteHandler:
    """Make the framework generate these schemas. This is no operation of the API."""

    async def list_schemas() -> None:
        raise NotImplementedError

    list_schemas.__annotations__["return"] = Union[tuple(structs)]  # noqa: UP007 -- of a variable
    return get(_SCHEMAS_PATH)(list_schemas)


def describe_api(
    controllers: Sequence[type[Controller]],
    settings: HttpSettings,
    errors: ErrorTable,
    plugins: Sequence[ApiPlugin],
) -> dict[str, Any]:
    """Return the OpenAPI description of these controllers.

    Litestar generates it from an application that serves no requests: an application with
    `openapi_config` would also serve pages that load scripts from other hosts.

    Args:
        controllers: The controllers.
        settings: The settings of the HTTP side.
        errors: The errors of the application.
        plugins: What features add.
    """
    structs: list[type[msgspec.Struct]] = [ServiceError, InvalidFieldsError]
    for plugin in plugins:
        structs += plugin.fields.values()
        if plugin.error_table and plugin.error_table.schema:
            structs.append(plugin.error_table.schema)
    app = Litestar(
        route_handlers=[*controllers, _list_schemas(structs)],
        request_class=ApiRequest,
        openapi_config=_openapi_config(settings, plugins),
        logging_config=None,
    )
    handlers = {
        (route.path_format, method.lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }
    description = app.openapi_schema.to_schema()
    del description["paths"][_SCHEMAS_PATH]
    description["tags"] = _describe_tags(handlers.values())
    schemas = description["components"].pop("schemas")
    body_types = filter(None, map(body_type, handlers.values()))
    bodies = {corrections.component_name(struct): struct for struct in body_types}
    added_fields = tuple(pair for plugin in plugins for pair in plugin.fields.items())
    sent = corrections.find_structs(with_fields(body, added_fields) for body in bodies.values())
    for plugin in plugins:
        corrections.add_fields(schemas, plugin.fields, bodies)
    corrections.correct_bodies(schemas, bodies, sent)
    error_responses = responses.ErrorResponses(errors, plugins)
    described = []
    for path, by_method in description["paths"].items():
        for method, operation in by_method.items():
            handler, name = handlers[path, method], operation["operationId"]
            operations.describe_operation(operation, handler, schemas, settings)
            by_status = error_responses.describe(handler, path, operation["security"])
            links = [plugin.links.get(name, {}) for plugin in plugins]
            operations.describe_responses(operation, handler, by_status, links)
            texts = map(str.rstrip, _texts(plugins, name))
            operation["description"] = "\n\n".join([operation["description"], *texts])
            described.append(operation)
    _list_values(schemas, error_responses.codes, plugins)
    corrections.correct_responses(schemas, bodies, sent)
    description["components"] |= {
        "headers": dict(operations.HEADERS),
        "responses": responses.share_responses(described),
        "schemas": dict(sorted(schemas.items())),
    }
    # Reading JSON visits every object.
    corrected: dict[str, Any] = json.loads(
        json.dumps(description), object_hook=corrections.replace_one_of
    )
    return corrected


def _list_values(
    schemas: Mapping[str, Any], codes: Iterable[str], plugins: Sequence[ApiPlugin]
) -> None:
    """List the values that errors have: what features add is known here only."""
    error = schemas[ServiceError.__name__]
    error["required"] = ["code", "error"]
    error["properties"]["code"]["enum"] = sorted(codes)
    needed = {scope for plugin in plugins for scope in plugin.scopes}
    error["properties"]["scope"]["enum"] = [scope for scope in Scope if scope in needed]
    for plugin in plugins:
        schemas[FieldError.__name__]["properties"]["code"]["enum"] += plugin.field_codes


def _describe_tags(handlers: Iterable[HTTPRouteHandler]) -> list[dict[str, str]]:
    """Describe each tag with the option `tag_description` of its controller, in their order."""
    descriptions: dict[str, str] = {}
    for handler in handlers:
        if text := handler.opt.get("tag_description"):
            descriptions |= dict.fromkeys(handler.resolve_tags(), text)
    return [{"name": name, "description": text} for name, text in descriptions.items()]


def _texts(plugins: Iterable[ApiPlugin], about: str) -> list[str]:
    return [plugin.about[about] for plugin in plugins if about in plugin.about]


def _openapi_config(settings: HttpSettings, plugins: Sequence[ApiPlugin]) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Dialtone",
        version=installed_version(),
        contact=Contact(name="The operator of this service"),
        license=License(name="Apache License 2.0", identifier="Apache-2.0"),
        description="\n".join([_ABOUT, *_texts(plugins, ABOUT_API), _ABOUT_ERRORS])
        + responses.render_shared_errors(),
        servers=[Server(url=settings.server.public_url)],
        security=BEARER,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description=" ".join(
                        ["The `access_token` of `verify-otp`.", *_texts(plugins, ABOUT_TOKENS)]
                    ),
                )
            }
        ),
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, *_: handler.handler_name,
    )

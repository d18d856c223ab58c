"""The ASGI application."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import msgspec
from litestar import Controller, HttpMethod, Litestar, MediaType, Request, Response
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.routes import HTTPRoute

from application.limits.file_reads import FileReads
from application.limits.limit_alerts import LimitAlerts
from application.limits.request_limits import RequestLimits
from application.use_cases import UseCases
from entrypoints.http.additions import HttpAdditions, administration_of
from entrypoints.http.errors.core_errors import CORE_ERRORS
from entrypoints.http.errors.exceptions import MethodNotAllowed
from entrypoints.http.errors.table import PORT_ERRORS, ErrorTable
from entrypoints.http.openapi.description import describe_api
from entrypoints.http.openapi.page import docs_files
from entrypoints.http.operations import OperationsController
from entrypoints.http.otp.controller import MessageStatusController, OtpController
from entrypoints.http.requests.checks import CORS_METHODS, RequestCheckMiddleware
from entrypoints.http.requests.client_ip import ClientIpResolver
from entrypoints.http.requests.deadlines import DeadlineMiddleware
from entrypoints.http.requests.middleware import DEFAULT_HEADERS, RequestContextMiddleware
from entrypoints.http.requests.parsing import body_type, check_parameters
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.errors import RepeatedFailures, allow_header, table_of, to_response
from entrypoints.http.responses.served_files import serve_files
from entrypoints.http.sessions import SessionController
from entrypoints.http.settings import MAX_JSON_BYTES, HttpServerSettings, HttpSettings
from entrypoints.http.users import UserController

CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    OtpController,
    UserController,
    SessionController,
    OperationsController,
)
_WEBHOOKS: Final = ("sms",)


def create_app(
    open_use_cases: Callable[[], AbstractAsyncContextManager[UseCases]],
    settings: HttpSettings,
    additions: Sequence[HttpAdditions],
) -> RequestContextMiddleware:
    """Create the application. At its start it opens the use cases, in the server's event loop."""
    server, errors = settings.server, make_error_table(additions)
    methods = sorted({*CORS_METHODS, *(method for each in additions for method in each.methods)})

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.file_reads = FileReads(time.monotonic)
        async with open_use_cases() as use_cases:
            app.state.use_cases = use_cases
            alerts = use_cases.limits.limit_alerts
            app.state.request_limits = _make_request_limits(server, alerts)
            yield

    def describe() -> bytes:
        return msgspec.json.encode(describe_app(settings, additions))

    client_ips = ClientIpResolver(server.trusted_proxies)
    files = dict(docs_files(describe, keeps_token=server.keeps_docs_token))
    for addition in additions:
        files |= addition.files
    app = Litestar(
        plugins=[*additions],
        route_handlers=[
            *CONTROLLERS,
            MessageStatusController,
            serve_files(files),
            *administration_of(additions),
        ],
        lifespan=[lifespan],
        request_class=ApiRequest,
        state=State(
            {
                "settings": settings,
                "client_ips": client_ips,
                "errors": errors,
                "failures": RepeatedFailures(),
                "fields": tuple(pair for addition in additions for pair in addition.fields.items()),
                "operator_kinds": [
                    kind for addition in additions for kind in addition.operator_kinds
                ],
                "pages": {
                    path: name for addition in additions for path, name in addition.pages.items()
                },
            }
        ),
        before_request=_before_request,
        cors_config=_cors_config(server.web_origins, methods),
        exception_handlers={Exception: to_response},
        request_max_body_size=MAX_JSON_BYTES,
        # With it, the framework would serve pages that load scripts from other hosts.
        openapi_config=None,
        # The process configures logging. The framework's own logs would contain local variables.
        logging_config=None,
    )
    # Otherwise a cache gives a page the copy of another origin, without CORS headers.
    vary = {b"vary": b"Origin"} if server.web_origins else {}
    # Not in `middleware` of the application: the framework finds the route first, so that would not
    # see the responses 404 and 405, preflight requests and unread bodies at unknown paths.
    checked = RequestCheckMiddleware(
        app,
        server.public_url if server.is_public_url_set else None,
        server.web_origins,
        webhooks=[*_WEBHOOKS, *(path for addition in additions for path in addition.webhooks)],
        own_pages=[path for addition in additions for path in addition.own_pages],
        errors=errors,
        methods=methods,
    )
    return RequestContextMiddleware(
        DeadlineMiddleware(checked),
        client_ips,
        settings.is_stopping,
        {**DEFAULT_HEADERS, **vary},
        settings.request_observer,
        errors,
    )


def _make_request_limits(settings: HttpServerSettings, alerts: LimitAlerts) -> RequestLimits:
    return RequestLimits(
        settings.request_limit_per_identity,
        settings.refresh_limit_per_ip,
        settings.workers,
        time.monotonic,
        alerts,
    )


def make_error_table(additions: Sequence[HttpAdditions]) -> ErrorTable:
    """Make the table of errors with these additions."""
    rows = dict(CORE_ERRORS)
    for addition in additions:
        rows |= addition.errors
    port_errors = dict(PORT_ERRORS)
    for addition in additions:
        port_errors |= addition.port_errors
    others = [addition.error_table for addition in additions if addition.error_table]
    return ErrorTable(rows, port_errors, others)


def describe_app(settings: HttpSettings, additions: Sequence[HttpAdditions]) -> dict[str, Any]:
    """Return the OpenAPI description of the API with these additions."""
    controllers = [
        *CONTROLLERS,
        *(controller for addition in additions for controller in addition.controllers),
        *administration_of(additions),
    ]
    return describe_api(controllers, settings, make_error_table(additions), additions)


def _cors_config(web_origins: Sequence[str], methods: Sequence[Any]) -> CORSConfig | None:
    if not web_origins:
        return None
    return CORSConfig(
        allow_origins=list(web_origins),
        allow_methods=[*methods],
        # All that the page asks for: no header gives a listed page rights that it does not have.
        allow_headers=["*"],
        expose_headers=[
            "Content-Disposition",
            "Content-Range",
            "ETag",
            "Location",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-Id",
        ],
    )


async def _before_request(request: Request[Any, Any, Any]) -> Response[None] | None:
    if request.method == HttpMethod.OPTIONS:
        return _answer_options(request)
    check_parameters(request)
    if isinstance(request, ApiRequest) and body_type(request.route_handler) is not None:
        request.check_json_headers()
    return None


def _answer_options(request: Request[Any, Any, Any]) -> Response[None]:
    """Name all methods of a path. The framework's own response has those of one handler only."""
    if allowed := table_of(request).methods:
        raise MethodNotAllowed(allowed)
    template = request.scope["path_template"]
    (methods,) = (
        route.methods
        for route in request.app.routes
        if isinstance(route, HTTPRoute) and route.path_format == template
    )
    headers = {"Allow": allow_header(methods)}
    return Response(None, status_code=204, headers=headers, media_type=MediaType.TEXT)

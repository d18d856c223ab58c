"""The ASGI application."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Controller, HttpMethod, Litestar, MediaType, Request, Response
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.routes import HTTPRoute

from application.limits.file_reads import FileReads
from application.limits.request_limits import RequestLimits
from application.use_cases import UseCases
from entrypoints.http.admin.controller import AdminUserController
from entrypoints.http.audit.controller import AuditController
from entrypoints.http.calls.controller import CallController
from entrypoints.http.client.controller import ClientController
from entrypoints.http.costs.controller import CostController
from entrypoints.http.deadlines import DeadlineMiddleware
from entrypoints.http.errors.exceptions import MethodNotAllowed
from entrypoints.http.errors.handlers import EXCEPTION_HANDLERS, allow_header
from entrypoints.http.errors.table import Api, api_of
from entrypoints.http.legacy_otp.controller import LegacyOtpController
from entrypoints.http.library.controller import LibraryController, MediaFileController
from entrypoints.http.library.uploads import make_upload_limiter
from entrypoints.http.limits import MAX_JSON_BYTES
from entrypoints.http.middleware import DEFAULT_HEADERS, RequestContextMiddleware
from entrypoints.http.moderation.controller import ModerationController
from entrypoints.http.openapi.controller import OpenApiController
from entrypoints.http.openapi.description import describe_api
from entrypoints.http.operations.controller import OperationsController
from entrypoints.http.otp.controller import OtpController
from entrypoints.http.otp.message_status import SmsController
from entrypoints.http.parsing import require_single_parameters
from entrypoints.http.phone_change.controller import PhoneChangeController, UndoController
from entrypoints.http.request import ApiRequest
from entrypoints.http.request_checks import CORS_METHODS, RequestCheckMiddleware
from entrypoints.http.sessions.controller import SessionController
from entrypoints.http.settings import HttpServerSettings, HttpSettings
from entrypoints.http.start.controller import StartController
from entrypoints.http.statistics.controller import StatisticsController
from entrypoints.http.users.controller import UserController

if TYPE_CHECKING:
    from entrypoints.http.console.application import Console

CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    OtpController,
    UserController,
    PhoneChangeController,
    UndoController,
    LibraryController,
    MediaFileController,
    SessionController,
    CallController,
    AdminUserController,
    AuditController,
    CostController,
    StatisticsController,
    ModerationController,
    OperationsController,
    LegacyOtpController,
)
_NOT_DESCRIBED: Final[tuple[type[Controller], ...]] = (
    SmsController,
    OpenApiController,
    ClientController,
)


def create_app(
    open_use_cases: Callable[[], AbstractAsyncContextManager[UseCases]],
    settings: HttpSettings,
) -> RequestContextMiddleware:
    """Create the application.

    Args:
        open_use_cases: Called when the application starts, in the event loop of the server.
        settings: The settings of the HTTP side.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_use_cases() as use_cases:
            app.state.use_cases = use_cases
            yield

    def describe() -> bytes:
        return msgspec.json.encode(describe_api(CONTROLLERS, settings))

    server = settings.server
    console = _find_console(settings)
    app = Litestar(
        route_handlers=[
            *CONTROLLERS,
            *_NOT_DESCRIBED,
            *_voice_controllers(settings),
            *_start_controllers(settings),
            *(console.controllers if console else ()),
        ],
        template_config=console.template_config if console else None,
        before_send=[console.add_headers] if console else None,
        lifespan=[lifespan],
        request_class=ApiRequest,
        state=State(
            {
                "settings": settings,
                "request_limits": make_request_limits(server),
                "upload_limiter": make_upload_limiter(settings),
                "file_reads": FileReads(time.monotonic),
            }
        ),
        dependencies={"description": Provide(describe, use_cache=True, sync_to_thread=False)},
        before_request=_before_request,
        cors_config=_cors_config(server.web_origins),
        exception_handlers={
            **EXCEPTION_HANDLERS,
            **(console.exception_handlers if console else {}),
        },
        request_max_body_size=MAX_JSON_BYTES,
        # With it, the framework would serve pages of its own; see describe_api.
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
        has_console=settings.has_console,
    )
    return RequestContextMiddleware(
        DeadlineMiddleware(checked),
        server.trusted_proxies,
        settings.is_stopping,
        {**DEFAULT_HEADERS, **vary},
        server.logged_share,
        settings.request_observer,
    )


def make_request_limits(settings: HttpServerSettings) -> RequestLimits:
    """Return the limits of requests of a server process."""
    return RequestLimits(
        settings.request_limit_per_identity,
        settings.refresh_limit_per_ip,
        settings.workers,
        time.monotonic,
    )


def _voice_controllers(settings: HttpSettings) -> Sequence[type[Controller]]:
    """Return the webhooks of the phone line. They are loaded only where there is one."""
    if not settings.has_phone_line:
        return ()
    from entrypoints.http.voice.controller import VoiceController

    return (VoiceController,)


def _start_controllers(settings: HttpSettings) -> Sequence[type[Controller]]:
    """Return the page at `/`. Without it, its paths are unknown ones."""
    return () if settings.start_page is None else (StartController,)


def _find_console(settings: HttpSettings) -> "Console | None":
    """Return the web console. Without it, its paths are unknown ones, and no engine is loaded."""
    if not settings.has_console:
        return None
    from entrypoints.http.console.application import CONSOLE

    return CONSOLE


def _cors_config(web_origins: Sequence[str]) -> CORSConfig | None:
    if not web_origins:
        return None
    return CORSConfig(
        allow_origins=list(web_origins),
        allow_methods=[*CORS_METHODS],
        # All that the page asks for: no header gives a listed page rights that it does not have.
        allow_headers=["*"],
        expose_headers=[
            "Content-Disposition",
            "Content-Range",
            "ETag",
            "Location",
            "Preference-Applied",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-Id",
        ],
    )


async def _before_request(request: Request[Any, Any, Any]) -> Response[None] | None:
    require_single_parameters(request)
    return _answer_options(request) if request.method == HttpMethod.OPTIONS else None


def _answer_options(request: Request[Any, Any, Any]) -> Response[None]:
    """Name all methods of a path in the response to OPTIONS.

    The framework's own response names the methods of one handler only, and never HEAD. The legacy
    API does not support OPTIONS.
    """
    if api_of(request.scope["path"]) is Api.LEGACY:
        raise MethodNotAllowed(HttpMethod.POST)
    template = request.scope["path_template"]
    (methods,) = (
        route.methods
        for route in request.app.routes
        if isinstance(route, HTTPRoute) and route.path_format == template
    )
    headers = {"Allow": allow_header(methods)}
    return Response(None, status_code=204, headers=headers, media_type=MediaType.TEXT)

"""The ASGI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Final

import msgspec
from litestar import Controller, Litestar
from litestar.di import Provide

from application.use_cases import UseCases
from entrypoints.http.api_page import ApiPageController
from entrypoints.http.api_page.description import describe_api
from entrypoints.http.dependencies import dependencies
from entrypoints.http.edge import Edge
from entrypoints.http.error_handlers import HANDLERS
from entrypoints.http.health import HealthController
from entrypoints.http.http_settings import HttpSettings
from entrypoints.http.key_set import KeySetController
from entrypoints.http.library import LibraryController
from entrypoints.http.media_files import MediaFilesController
from entrypoints.http.older_sign_in import OlderSignInController
from entrypoints.http.options import answer_options
from entrypoints.http.sessions import SessionsController
from entrypoints.http.sign_in import SignInController
from entrypoints.http.users import UsersController

LONGEST_JSON: Final = 64 * 1024
CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    SignInController,
    SessionsController,
    OlderSignInController,
    UsersController,
    LibraryController,
    MediaFilesController,
    HealthController,
    KeySetController,
)


def create_app(
    open_use_cases: Callable[[], AbstractAsyncContextManager[UseCases]], settings: HttpSettings
) -> Edge:
    """Make the application; the use cases are opened when it starts, in the server's loop."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_use_cases() as use_cases:
            app.state.use_cases = use_cases
            yield

    @cache
    def api_description() -> bytes:
        return msgspec.json.encode(describe_api(CONTROLLERS, settings))

    app = Litestar(
        route_handlers=[*CONTROLLERS, ApiPageController],
        lifespan=[lifespan],
        dependencies={
            **dependencies(settings),
            "api_description": Provide(api_description, sync_to_thread=False),
        },
        before_request=answer_options,
        exception_handlers=dict(HANDLERS),
        request_max_body_size=LONGEST_JSON,
        # The framework would serve pages of its own along with it; see describe_api.
        openapi_config=None,
        # Logs are configured by whoever starts the process; the framework's would print locals.
        logging_config=None,
    )
    return Edge(app)

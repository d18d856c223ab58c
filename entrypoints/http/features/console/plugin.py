"""The web console."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from litestar import Controller, Response
from litestar.config.app import AppConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from litestar.types import Message, Scope

from entrypoints.http.administration.user_details import UserDetailsForm
from entrypoints.http.features.console.audit import AuditPageController
from entrypoints.http.features.console.console_controller import to_page
from entrypoints.http.features.console.middleware import SignInMiddleware
from entrypoints.http.features.console.overview import OverviewController
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.request import ERRORS
from entrypoints.http.features.console.sign_in import SignInController, SignOutController
from entrypoints.http.features.console.user_acts import UserActController
from entrypoints.http.features.console.users import UserPageController
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.requests.checks import is_below
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.errors import AnyRequest, to_response
from entrypoints.http.responses.served_files import ServedFile, serve_files


def _clear_cache(request: ApiRequest) -> Mapping[str, str]:
    """Make the browser forget pages, if the page that loads the style has no session.

    Chromium keeps pages in memory for its back button in spite of no-store (it calls that
    back/forward cache). A page without a session loads the style with a query. The response of the
    page itself would come too early: the page before it is kept only when it is left.
    """
    return {"Clear-Site-Data": '"cache"'} if "signed_out" in request.query_params else {}


_STYLE: Final = ServedFile(
    "text/css", (Path(__file__).parent / "style.css").read_bytes, headers_of=_clear_cache
)
_TEMPLATES: Final = Path(__file__).parent / "templates"


def serve_console_files(parts: Sequence[ConsolePart]) -> HTTPRouteHandler:
    """Return the handler of the style and of the files of parts. They need no session."""
    served = {"/console/style.css": _STYLE}
    for part in parts:
        served |= part.files
    return serve_files(
        served, middleware=[SignInMiddleware()], exception_handlers={Exception: to_page}
    )


CONSOLE_CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    SignInController,
    SignOutController,
    OverviewController,
    UserPageController,
    UserActController,
    AuditPageController,
)


HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # With `no-referrer`, browsers send forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""The headers of every response below `/console`, also of errors."""
SCRIPTED_HEADERS: Final = {
    **HEADERS,
    "Content-Security-Policy": f"{HEADERS['Content-Security-Policy']}; script-src 'self'; "
    "base-uri 'none'",
}


def _handle_framework_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Respond to an unknown path or method: the framework asks no controller about these."""
    is_page = is_below(request.scope["path"], "console")
    return to_page(request, error) if is_page else to_response(request, error)


def _make_template_config(folders: Iterable[Path]) -> TemplateConfig[JinjaTemplateEngine]:
    """Find templates by the name of their feature: `blocks/list.html`."""
    loaders = {folder.parent.name: FileSystemLoader(folder) for folder in (_TEMPLATES, *folders)}
    environment = Environment(
        loader=PrefixLoader(loaders),
        autoescape=True,
        auto_reload=False,
        # A name that is misspelled is an error, not an empty text.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


class ConsolePlugin(ApiPlugin):
    """Pages for the staff, with their templates, headers and errors."""

    errors = ERRORS
    own_checks: Sequence[str] = ("console",)
    pages: Mapping[str, str] = MappingProxyType({"console": "Console for administrators"})

    def __init__(self, user_details: UserDetailsForm, parts: Sequence[ConsolePart] = ()) -> None:
        self._user_details, self._parts = user_details, parts
        self._scripted_paths = {path for part in parts for path in part.scripted_paths}
        of_parts = (controller for part in parts for controller in part.controllers)
        self.hidden_controllers = (*CONSOLE_CONTROLLERS, *of_parts)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.state["user_details"] = self._user_details
        app_config.state["console_parts"] = self._parts
        app_config.template_config = _make_template_config(
            part.templates for part in self._parts if part.templates
        )
        app_config.route_handlers.append(serve_console_files(self._parts))
        app_config.before_send.append(self._add_headers)
        app_config.exception_handlers[HTTPException] = _handle_framework_error
        return super().on_app_init(app_config)

    async def _add_headers(self, message: Message, scope: Scope) -> None:
        path = scope["path"]
        if message["type"] == "http.response.start" and is_below(path, "console"):
            headers = SCRIPTED_HEADERS if path.rstrip("/") in self._scripted_paths else HEADERS
            MutableScopeHeaders.from_message(message).update(headers)

"""The web console."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.config.app import AppConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from litestar.types import Message, Scope

from entrypoints.http.core.administration.user_details import UserDetailsForm
from entrypoints.http.features.console.controllers import CONSOLE_CONTROLLERS
from entrypoints.http.features.console.error_pages import to_page
from entrypoints.http.features.console.errors import ERRORS
from entrypoints.http.features.console.page_files import serve_console_files
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.requests.checks import is_below
from entrypoints.http.responses.errors import AnyRequest, to_response

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
"""Those of the few pages that need a script."""


def _handle_framework_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Respond to an unknown path or method: the framework asks no controller about these."""
    is_page = is_below(request.scope["path"], "console")
    return to_page(request, error) if is_page else to_response(request, error)


def _make_template_config(folders: Iterable[Path]) -> TemplateConfig[JinjaTemplateEngine]:
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).parent / "templates", *folders]),
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
        """Show users in this form, with what features add to it, and pages about features."""
        self._user_details, self._parts = user_details, parts
        self._scripted_paths = {path for part in parts for path in part.scripted_paths}
        of_parts = (controller for part in parts for controller in part.controllers)
        self.hidden_controllers = (*CONSOLE_CONTROLLERS, *of_parts)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the form, the engine of templates, the headers of responses, and pages for errors."""
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

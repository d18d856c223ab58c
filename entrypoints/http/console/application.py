"""What the application needs of the console: its controllers, templates, headers and errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Controller, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from litestar.types import BeforeMessageSendHookHandler, Message, Scope

from entrypoints.http.console.controllers import CONSOLE_CONTROLLERS
from entrypoints.http.console.error_pages import handle_framework_error
from entrypoints.http.errors import handlers
from entrypoints.http.request_checks import is_below

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The parts of the console that the application takes."""

    controllers: Sequence[type[Controller]]
    template_config: TemplateConfig[JinjaTemplateEngine]
    add_headers: BeforeMessageSendHookHandler
    exception_handlers: Mapping[Any, Any]


async def _add_headers(message: Message, scope: Scope) -> None:
    if message["type"] == "http.response.start" and is_below(scope["path"], "console"):
        MutableScopeHeaders.from_message(message).update(HEADERS)


def _handle_framework_error(request: handlers.AnyRequest, error: HTTPException) -> Response[Any]:
    """Respond to an unknown path or method: the framework asks no controller about these."""
    if is_below(request.scope["path"], "console"):
        return handle_framework_error(request, error)
    response: Response[Any] = handlers.EXCEPTION_HANDLERS[HTTPException](request, error)
    return response


def _make_template_config() -> TemplateConfig[JinjaTemplateEngine]:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        auto_reload=False,
        # A name that is misspelled is an error, not an empty text.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


CONSOLE: Final = Console(
    controllers=CONSOLE_CONTROLLERS,
    template_config=_make_template_config(),
    add_headers=_add_headers,
    exception_handlers={HTTPException: _handle_framework_error},
)

"""The controllers of an extension, checked and limited."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from litestar import Controller, Litestar
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from application.ports.errors import ConfigurationError
from domain.errors import DomainError
from entrypoints.http.auth import BEARER, limit_by_ip
from entrypoints.http.errors.core import CORE_ERRORS
from entrypoints.http.errors.handlers import EXTENSION
from entrypoints.http.errors.table import ApiError, ErrorRow, ErrorTable
from entrypoints.http.extensions.parts import (
    ExtensionHttp,
    ExtensionRequest,
    SessionAuthentication,
)
from entrypoints.http.openapi.description import describe_api
from entrypoints.http.parsing import body_type
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.settings import HttpServerSettings, HttpSettings

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def make_extension_plugin(name: str, parts: ExtensionHttp) -> ApiPlugin:
    """Return the plugin of an extension.

    Args:
        name: The name of the extension.
        parts: Its controllers and errors.

    Raises:
        ConfigurationError: A path, a method or an error is not allowed: one sentence.
    """
    for problem in _find_problems(name, parts):
        raise ConfigurationError(problem)
    plugin = ApiPlugin()
    plugin.controllers = [_prepare(name, controller) for controller in parts.controllers]
    plugin.errors = dict[type[ApiError], ErrorRow](parts.errors.items())
    plugin.methods = sorted(_methods_of(plugin.controllers) - {"OPTIONS"})
    plugin.id_prefix = f"x_{name}_"
    _check_description(plugin)
    return plugin


def _check_description(plugin: ApiPlugin) -> None:
    """Check that the paths can be described, before somebody asks for it."""
    errors = ErrorTable({**CORE_ERRORS, **plugin.errors})
    settings = HttpSettings(server=HttpServerSettings(public_url="/"))
    try:
        describe_api(plugin.controllers, settings, errors, (), plugin.id_prefix)
    except Exception as error:
        raise ConfigurationError(
            f"Its paths cannot be described ({type(error).__name__}: {error})."
        ) from error


def _find_problems(name: str, parts: ExtensionHttp) -> Iterator[str]:
    found: Any
    for found in parts.controllers:
        if not isinstance(found, type) or not issubclass(found, Controller):
            yield f"{found!r:.100} is not a Controller of Litestar."
        else:
            yield from _find_problems_of_routes(name, found)
    for found, row in parts.errors.items():
        if not isinstance(found, type) or not issubclass(found, DomainError):
            yield f"{found!r:.100} is not a subclass of DomainError."
        elif _is_ours(found):
            yield f"{found.__name__} is an error of Dialtone, which has a row already."
        elif not row.code.startswith(f"{name}_") or not 400 <= row.status <= 599:
            yield (
                f"{found.__name__} must have a status from 400 to 599 and a code that begins with "
                f"{name}_."
            )


def _is_ours(error: type[Any]) -> bool:
    return error.__module__.partition(".")[0] in ("domain", "application", "adapters")


def _find_problems_of_routes(name: str, controller: type[Controller]) -> Iterator[str]:
    prefix = f"/x/{name}"
    for route in _routes_of([controller]):
        path = route.path
        if not isinstance(route, HTTPRoute):
            yield f"{controller.__name__} has {path}, which is no path for HTTP requests."
        elif path != prefix and not path.startswith(f"{prefix}/"):
            yield f"{controller.__name__} has the path {path}: it must begin with {prefix}/."
        elif others := sorted({*route.methods} - METHODS):
            yield f"{controller.__name__} has the method {others[0]}, which pages cannot send."
        else:
            for handler in filter(_has_other_json, route.route_handlers):
                place = f"{controller.__name__}.{handler.handler_name}"
                yield f"{place} takes JSON as another type than a Struct of msgspec."


def _has_other_json(handler: HTTPRouteHandler) -> bool:
    """Return whether the body is JSON that `ExtensionRequest.json` could not parse strictly."""
    data = handler.parsed_data_field
    if data is None or body_type(handler) is not None:
        return False
    media_type = getattr(data.kwarg_definition, "media_type", None)
    return media_type in (None, RequestEncodingType.JSON)


def _methods_of(controllers: Sequence[type[Controller]]) -> set[str]:
    routes = _routes_of(controllers)
    return {method for route in routes if isinstance(route, HTTPRoute) for method in route.methods}


def _routes_of(controllers: Sequence[type[Controller]]) -> Sequence[BaseRoute]:
    app = Litestar(
        [*controllers], request_class=ExtensionRequest, openapi_config=None, logging_config=None
    )
    return app.routes


def _prepare(name: str, controller: type[Controller]) -> type[Controller]:
    """Return the controller with our request, and with limits where it has no access tokens."""
    attributes: dict[str, Any] = {
        "request_class": ExtensionRequest,
        "opt": {**_value(controller, "opt", {}), EXTENSION: name},
    }
    if SessionAuthentication in _value(controller, "middleware", ()):
        attributes["security"] = BEARER
    else:
        attributes["guards"] = [limit_by_ip, *_value(controller, "guards", ())]
    return type(controller.__name__, (controller,), attributes)


def _value(controller: type[Controller], name: str, default: Any) -> Any:
    """Return what a controller sets. What it does not set is a slot of the class."""
    found = getattr(controller, name)
    return found if isinstance(found, Mapping | Sequence) else default

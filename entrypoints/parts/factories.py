"""Operators' own adapters, named in settings as `package.module:factory`."""

import inspect
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, is_dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from pkgutil import resolve_name
from traceback import extract_tb
from types import ModuleType
from typing import Any, Final, get_type_hints

from adapters.operations.logging import log_package
from application.ports.errors import ConfigurationError, PortError
from application.ports.system import HealthCheck
from application.ports.webhooks import Handshakes, StatusCallbacks
from entrypoints.settings.ownership import find_ownership_problem
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Factory

_log = logging.getLogger(__name__)


class AlwaysHealthy:
    """The health check of an adapter that has none of its own."""

    async def check(self) -> None:
        """Return at once."""


def load_factory(factory: Factory, variable: str) -> Any:
    """Import a factory that is installed, or in a module of the current folder.

    Raises:
        StartupError: it cannot be imported, is not a function, or another user can change it.
    """
    create = load_object(factory, variable)
    if not callable(create):
        raise StartupError(f"{variable}: {factory.path} is not a function.")
    return create


def load_object(factory: Factory, variable: str) -> Any:
    """Import an object of any type; see `load_factory`."""
    package = _top_level(factory.path)
    # Its own lines are for the operator who wrote it; those of its libraries are not.
    log_package(package)
    sys.meta_path.insert(0, _ModuleFinder(Path.cwd(), {package}, variable))
    try:
        return resolve_name(factory.path)
    except StartupError:
        raise
    except (ImportError, AttributeError, SyntaxError) as error:
        reason = " ".join(str(error).split())
        fix = "install its package, or start in the folder that contains it"
        if isinstance(error, SyntaxError):
            fix = "mend that line"
        raise StartupError(
            f"{variable}: {factory.path} cannot be imported ({reason}): {fix}."
        ) from error
    except (Exception, SystemExit) as error:
        # Its text may quote the value of a setting.
        place = extract_tb(error.__traceback__)[-1]
        raise StartupError(
            f"{variable}: {factory.path} cannot be imported, because its module raises "
            f"{type(error).__name__} ({place.filename}, line {place.lineno}): mend that line."
        ) from error


@dataclass(frozen=True, slots=True)
class _ModuleFinder:
    """Finds modules in the current folder if they are nowhere else, and checks their owners.

    It stays, because a module may be imported late.
    """

    folder: Path
    checked: set[str]
    variable: str

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        others = (finder for finder in sys.meta_path if not isinstance(finder, _ModuleFinder))
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None and path is None:
            spec = PathFinder.find_spec(name, [str(self.folder)])
            if spec is not None:
                self.checked.add(name)
        if spec is not None and _top_level(name) in self.checked:
            self._check(spec)
        return spec

    def _check(self, spec: ModuleSpec) -> None:
        # Python runs the compiled file instead of the source.
        for file in (spec.origin, spec.cached):
            if file is None or not os.path.lexists(file):
                continue  # it is built in, or not compiled
            path = Path(file)
            for status in (path.lstat(), path.stat()):
                if problem := find_ownership_problem(path, status):
                    raise StartupError(f"{self.variable}: {problem}")


@asynccontextmanager
async def open_adapter(
    factory: Factory, variable: str, port: type, **arguments: object
) -> AsyncIterator[Any]:
    """Keep an operator's own adapter open until the block ends.

    Raises:
        StartupError: the factory cannot be imported, has another signature, or it fails; or the
            adapter lacks a method of the port, or has it not async.
        ConfigurationError: raised by the factory.
    """
    create, name = load_factory(factory, variable), f"{variable}: {factory.path}"
    try:
        inspect.signature(create).bind(**arguments)
    except (TypeError, ValueError):
        text = f"{name} must accept the keyword arguments in docs/adapters.md."
        raise StartupError(text) from None
    async with AsyncExitStack() as stack:
        try:
            opened = create(**arguments)
            if not isinstance(opened, AbstractAsyncContextManager):
                raise StartupError(f"{name} must be decorated with @asynccontextmanager.")
            adapter = await stack.enter_async_context(opened)
        except (ConfigurationError, StartupError):
            raise
        except PortError as error:
            raise StartupError(f"{name} failed while it was opened: {error}") from error
        except (Exception, SystemExit) as error:
            _log.error({"event": "own_adapter_failed", "factory": factory.path}, exc_info=error)
            raise StartupError(
                f"{name} failed while it was opened ({type(error).__name__}): see the log."
            ) from error
        if problem := find_port_problem(adapter, port):
            raise StartupError(f"{name} yields {problem}: see docs/adapters.md.")
        yield adapter


def status_callbacks_of(messengers: Mapping[str, Any]) -> dict[str, StatusCallbacks]:
    """Return the messengers whose provider posts what became of a message, by name."""
    return {
        name: messenger
        for name, messenger in messengers.items()
        if hasattr(messenger, "read_statuses")
    }


def handshakes_of(messengers: Mapping[str, Any]) -> dict[str, Handshakes]:
    """Return the messengers whose provider checks who owns the URL for statuses, by name."""
    return {
        name: messenger
        for name, messenger in messengers.items()
        if hasattr(messenger, "answer_handshake")
    }


def health_check_of(adapter: Any) -> HealthCheck:
    """Return the adapter itself if it has a health check."""
    health_check: HealthCheck = adapter if hasattr(adapter, "check") else AlwaysHealthy()
    return health_check


def _top_level(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]


_OPTIONAL_PORTS: Final = (HealthCheck, StatusCallbacks, Handshakes)
"""An adapter may have these methods, besides those of its port."""


def find_port_problem(adapter: object, port: type) -> str | None:
    """Return which class does not fit its port and why. A dataclass has a port for each field."""
    if is_dataclass(port):
        if not isinstance(adapter, port):
            return f"{type(adapter).__name__}, which is no {port.__name__}"
        ports = get_type_hints(port)
        problems = (find_port_problem(getattr(adapter, name), one) for name, one in ports.items())
        return next(filter(None, problems), None)
    for one in (port, *_OPTIONAL_PORTS):
        for name, method in inspect.getmembers(one, inspect.isfunction):
            is_expected = one is port or hasattr(adapter, name)
            if name.startswith("_") or not is_expected:
                continue
            if problem := _compare(name, getattr(adapter, name, None), method):
                return f"{type(adapter).__name__}, {problem}"
    return None


def _compare(name: str, own: Any, method: Callable[..., object]) -> str | None:
    is_inherited = getattr(own, "__func__", own) is method  # a port as a base class does nothing
    if is_inherited or not _accepts_call(own, method):
        return f"which has no {name}{_describe_parameters(method)}"
    is_async = inspect.iscoroutinefunction(own)
    # A decorator may return the coroutine of what it wraps.
    is_awaited = is_async or inspect.iscoroutinefunction(inspect.unwrap(own))
    if inspect.iscoroutinefunction(method):
        return None if is_awaited else f"whose method {name} is not async: write `async def {name}`"
    words = f"whose method {name} is called without await, but is `async def` without `yield`"
    return words if is_async else None


def _accepts_call(own: Any, method: Callable[..., object]) -> bool:
    """Return whether a method accepts the arguments that the service passes, by place or name."""
    _, *parameters = inspect.signature(method).parameters.values()
    positional = [it for it in parameters if it.kind is not it.KEYWORD_ONLY]
    named = {it.name: it for it in parameters if it.kind is it.KEYWORD_ONLY}
    try:
        inspect.signature(own).bind(*positional, **named)
    except TypeError:
        return False
    return True


def _describe_parameters(method: Callable[..., object]) -> str:
    _, *parameters = inspect.signature(method).parameters.values()
    untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(untyped))

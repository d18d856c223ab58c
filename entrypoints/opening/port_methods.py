"""Whether an operator's own adapter has the methods of its port."""

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, Final, get_type_hints

from application.ports.system import HealthCheck
from application.ports.webhooks import Handshakes, StatusCallbacks

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

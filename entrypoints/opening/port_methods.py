"""Whether an operator's own adapter has the methods of its port, as far as that can be seen."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any, Final, get_type_hints

from application.ports.system import HealthCheck
from application.ports.webhooks import Handshakes, SignatureCoverage, StatusCallbacks, coverage_of

_OPTIONAL_PORTS: Final = (HealthCheck, StatusCallbacks, Handshakes)
"""An adapter may have these methods, besides those of its port."""


def find_port_problem(adapter: object, port: type) -> str | None:
    """Return which class does not fit its port and why, or None.

    A dataclass has a port for each field.
    """
    if is_dataclass(port):
        if not isinstance(adapter, port):
            return f"{type(adapter).__name__}, which is no {port.__name__}"
        ports = get_type_hints(port)
        problems = (find_port_problem(getattr(adapter, name), one) for name, one in ports.items())
        return next(filter(None, problems), None)
    if not isinstance(coverage_of(adapter), SignatureCoverage):
        return f"{type(adapter).__name__}, whose signature_coverage is no SignatureCoverage"
    for name, method in inspect.getmembers(port, inspect.isfunction):
        if problem := _compare(name, getattr(adapter, name, None), method):
            return f"{type(adapter).__name__}, {problem}"
    for optional in _OPTIONAL_PORTS:
        for name, method in inspect.getmembers(optional, inspect.isfunction):
            if hasattr(adapter, name) and (
                problem := _compare(name, getattr(adapter, name), method)
            ):
                return f"{type(adapter).__name__}, {problem}"
    return None


def _compare(name: str, own: Any, method: Callable[..., object]) -> str | None:
    """Return why a method cannot be called as the port's method, or None."""
    if name.startswith("_"):
        return None
    is_inherited = getattr(own, "__func__", own) is method  # a port as a base class does nothing
    if is_inherited or not _accepts_same(own, method):
        return f"which has no {name}{_describe_parameters(method)}"
    if inspect.iscoroutinefunction(method) and not _is_async(own):
        return f"whose method {name} is not async: write `async def {name}`"
    if not inspect.iscoroutinefunction(method) and inspect.iscoroutinefunction(own):
        return f"whose method {name} is called without await, but is `async def` without `yield`"
    return None


def _accepts_same(own: Any, method: Callable[..., object]) -> bool:
    """Return whether a method accepts all arguments of the port's, and only the required ones."""
    _, *parameters = inspect.signature(method).parameters.values()
    required = [
        parameter
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
    ]
    return _accepts(own, parameters) and _accepts(own, required)


def _accepts(own: Any, parameters: list[inspect.Parameter]) -> bool:
    named = {
        parameter.name: None for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY
    }
    positional = [None for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        positional.append(None)  # it accepts several
    with suppress(ValueError):  # a compiled method may have no signature
        try:
            inspect.signature(own).bind(*positional, **named)
        except TypeError:
            return False
    return True


def _describe_parameters(method: Callable[..., object]) -> str:
    """Return the parameters with their defaults, without types."""
    _, *parameters = inspect.signature(method).parameters.values()
    untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(untyped))


def _is_async(own: Any) -> bool:
    """Return whether the result of a method can be awaited. Only Python functions can be judged."""
    function = inspect.unwrap(own)  # a decorator may return the coroutine of what it wraps
    is_function = inspect.isfunction(function) or inspect.ismethod(function)
    return (
        not is_function or inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(own)
    )

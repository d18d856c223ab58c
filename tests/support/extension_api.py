"""All that is stable for extensions, as lines: `python -m tests.support.extension_api`."""

import enum
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import entrypoints.extensions as main
from entrypoints.extensions import http

MODULES: Final[tuple[ModuleType, ...]] = (main, http)
_MADE_BY_US: Final = (main.ExtensionOpening, main.OwnRecords, main.Users)
"""Their parameters are not for extensions."""
_MEMBERS: Final = {
    http.AuthenticationMiddleware: (),
    http.ExtensionRequest: ("client_ip", "user_session"),
    main.RecordKind: (),
}
"""What is stable of classes that have more, or inherit it."""
_PARAMETERS: Final = {main.RecordKind: ("name", "record_type", "indexes", "upgrades")}


def stable_names() -> dict[str, Any]:
    """Return all that is stable by its name."""
    return {name: getattr(module, name) for module in MODULES for name in module.__all__}


def describe() -> Iterator[str]:
    """Yield a line for each name, parameter list, field and member, without types.

    mypy checks the types where an extension uses them.
    """
    for name, value in sorted(stable_names().items()):
        if isinstance(value, type):
            yield from _describe_class(name, value)
        elif inspect.isfunction(value):
            yield f"{name}{_signature(value)}"
        elif isinstance(value, int | str):
            yield f"{name} = {value!r}"
        else:
            yield name


def _describe_class(name: str, value: type[Any]) -> Iterator[str]:
    yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
    if issubclass(value, enum.Enum):
        yield from (f"{name}.{member.name} = {member.value!r}" for member in value)
        return
    made = vars(value).get("__init__")
    if inspect.isfunction(made) and value not in _MADE_BY_US and not _is_protocol(value):
        yield f"{name}{_signature(made, _PARAMETERS.get(value))}"
    for member in _MEMBERS.get(value, _list_members(value)):
        found = getattr(value, member, None)
        is_async = "async " if inspect.iscoroutinefunction(found) else ""
        signature = _signature(found) if inspect.isfunction(found) else ""
        yield f"{is_async}{name}.{member}{signature}"


def _is_protocol(value: type[Any]) -> bool:
    return bool(getattr(value, "_is_protocol", False))


def _list_members(value: type[Any]) -> list[str]:
    names = {*vars(value), *vars(value).get("__annotations__", {})}
    return sorted(name for name in names if not name.startswith("_"))


def _signature(function: Any, names: tuple[str, ...] | None = None) -> str:
    parameters = inspect.signature(function).parameters.values()
    shown = [
        _without_type(parameter)
        for parameter in parameters
        if parameter.name != "self" and (names is None or parameter.name in names)
    ]
    return str(inspect.Signature(shown))


def _without_type(parameter: inspect.Parameter) -> inspect.Parameter:
    parameter = parameter.replace(annotation=inspect.Parameter.empty)
    is_plain = isinstance(parameter.default, str | int | tuple | type(None))
    if parameter.default is parameter.empty or is_plain:
        return parameter
    return parameter.replace(default=...)


if __name__ == "__main__":
    sys.stdout.write("\n".join([*describe(), ""]))

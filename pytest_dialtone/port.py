"""A port that an adapter may implement, and where its suites are."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

_SUITES: Final = "pytest_dialtone.suites"


@dataclass(frozen=True, slots=True)
class Port:
    """What the factory of a setting yields. The suites of a package have its promises.

    Attributes:
        setting: The variable that names the factory.
        protocol: What the adapter implements.
        is_meant: Returns whether the author of an adapter wanted to implement this port. The
            adapter may still lack methods.
        suites: The files or the folder of the suites, in the folder `suites`.
    """

    setting: str
    protocol: type
    is_meant: Callable[[Any], bool]
    suites: tuple[str, ...]


def find_ports() -> dict[str, Port]:
    """Return the ports of all packages of suites, by their setting.

    Each package names its own. So the suites of a feature go with its folder, and the module of
    a suite is not imported before pytest rewrites its assertions.
    """
    folders = import_module(_SUITES).__path__
    packages = [found.name for found in iter_modules(folders, f"{_SUITES}.") if found.ispkg]
    return {port.setting: port for name in packages for port in import_module(name).PORTS}


def has_method(*names: str) -> Callable[[Any], bool]:
    """Return a function that returns whether an adapter has one of these methods."""
    return lambda adapter: any(hasattr(adapter, name) for name in names)

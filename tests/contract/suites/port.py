"""A port that an adapter may implement, and where its suites are."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

_SUITES: Final = "tests.contract.suites"
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Port:
    """What the factory of a setting yields. The suites of a package have its promises.

    Attributes:
        name: What `--port` names it.
        setting: The variable that names the factory.
        protocol: What the adapter implements.
        suites: The files or the folder of the suites, in the folder `suites`.
    """

    name: str
    setting: str
    protocol: type
    suites: tuple[str, ...]

    @property
    def paths(self) -> list[Path]:
        """The files or the folder of the suites."""
        return [_FOLDER / suite for suite in self.suites]


def find_ports() -> Mapping[str, Port]:
    """Return the ports of all packages of suites, by their name.

    Each package names its own. So the suites of a feature go with its folder, and the module of
    a suite is not imported before pytest rewrites its assertions.
    """
    folders = import_module(_SUITES).__path__
    packages = [found.name for found in iter_modules(folders, f"{_SUITES}.") if found.ispkg]
    ports = [port for name in packages for port in import_module(name).PORTS]
    return {port.name: port for port in sorted(ports, key=lambda port: port.name)}

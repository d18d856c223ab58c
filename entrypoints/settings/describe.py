"""What the settings are, for the operator's eyes."""

from typing import NamedTuple

from entrypoints.settings.kinds import Origin
from entrypoints.settings.model import Settings
from entrypoints.settings.table import VARIABLES


class Description(NamedTuple):
    """A variable, its value as it may be shown, and where that came from."""

    name: str
    shown: str
    origin: Origin


def describe(settings: Settings) -> list[Description]:
    """Describe every variable of the table, in its order; secrets are hidden."""
    return [
        Description(variable.name, variable.shown(given.text), given.origin)
        for variable in VARIABLES
        for given in (settings.given[variable.name],)
    ]

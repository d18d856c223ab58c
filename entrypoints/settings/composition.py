"""All settings: those of the core, and those of each feature that is installed."""

from dataclasses import dataclass
from typing import Final

from entrypoints.features import FEATURES
from entrypoints.settings.declaration import declared
from entrypoints.settings.settings import Settings

# Settings are sent to processes, which find the class by its name.
AllSettings: Final[type[Settings]] = dataclass(frozen=True, kw_only=True)(
    type(
        "AllSettings",
        # A dataclass has the fields of its last base first.
        (*(each.settings for each in reversed(FEATURES) if each.settings is not None), Settings),
        {},
    )
)
FIELDS: Final = declared(AllSettings)
"""Each variable's field: its name and its declaration."""
FILE_VARIABLES: Final = {
    name: declaration.file_variable
    for name, (_, declaration) in FIELDS.items()
    if declaration.file_variable
}
"""The variables whose text can be in a file, each with the variable that names the file."""
VARIABLES: Final = (*FIELDS, *FILE_VARIABLES.values())
"""All variables of the service."""

"""All settings: those of the core, and those of each feature that is installed."""

from dataclasses import dataclass
from typing import Final

from entrypoints.composition.features import FEATURES
from entrypoints.settings.declaration import declared
from entrypoints.settings.settings import Settings

# Settings are sent to processes, which find the class by its name.
AllSettings: Final[type[Settings]] = dataclass(frozen=True, kw_only=True)(
    type(
        "AllSettings",
        # A dataclass has the fields of its last base first.
        (
            *(feature.settings for feature in reversed(FEATURES) if feature.settings is not None),
            Settings,
        ),
        {},
    )
)
FIELDS: Final = declared(AllSettings)
VARIABLES: Final = (*FIELDS, *filter(None, (field.file_variable for field in FIELDS.values())))

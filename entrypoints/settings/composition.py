"""All settings: those of the core, and those of each feature that is installed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.settings.declaration import Declaration, declared
from entrypoints.settings.settings import PartialSettings, Settings
from entrypoints.settings.values import Variables


@dataclass(frozen=True, slots=True)
class Composition:
    """The settings of the core and of some features.

    Attributes:
        features: These features.
        settings: The class with all their settings.
        fields: Each variable's field: its name and its declaration. Those of a group stand
            together.
        file_variables: The variables whose text can be in a file, each with the variable that names
            the file.
    """

    features: tuple[Feature, ...]
    settings: type[Settings]
    fields: Mapping[str, tuple[str, Declaration]]
    file_variables: Mapping[str, str]

    def begin(self, variables: Variables) -> PartialSettings:
        """Return settings without values."""
        partial: type[PartialSettings] = type("Partial", (PartialSettings, self.settings), {})
        return partial(variables)

    def complete(self, settings: PartialSettings) -> Settings:
        """Return the settings, when all fields have a value."""
        names = [field.name for field in fields(self.settings)]
        return self.settings(**{name: getattr(settings, name) for name in names})


def compose(features: Sequence[Feature]) -> Composition:
    """Compose the settings of the core and of these features."""
    classes = [feature.settings for feature in features if feature.settings is not None]
    # A dataclass has the fields of its last base first.
    bases = (*reversed(classes), Settings)
    settings: type[Settings] = dataclass(frozen=True, kw_only=True)(type("AllSettings", bases, {}))
    found = declared(settings)
    return Composition(
        features=tuple(features),
        settings=settings,
        fields=found,
        file_variables={
            name: file_variable
            for name, (_, declaration) in found.items()
            if (file_variable := declaration.file_variable(name))
        },
    )


INSTALLED: Final = compose(FEATURES)
# Settings are sent to processes, which find the class by its name.
AllSettings: Final = INSTALLED.settings
FIELDS: Final = INSTALLED.fields
FILE_VARIABLES: Final = INSTALLED.file_variables
VARIABLES: Final = (*FIELDS, *FILE_VARIABLES.values())
"""All variables of the service."""

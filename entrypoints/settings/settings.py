"""All settings: one class of the settings of each feature, one field for each variable."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from entrypoints.settings.costs import CostSettings
from entrypoints.settings.declaration import Declaration, declared
from entrypoints.settings.events import EventSettings
from entrypoints.settings.identities import IdentitySettings
from entrypoints.settings.journal import JournalSettings
from entrypoints.settings.keys import KeySettings
from entrypoints.settings.media import MediaSettings
from entrypoints.settings.operations import OperationsSettings
from entrypoints.settings.server import ServerSettings
from entrypoints.settings.values import Variables
from entrypoints.settings.voice import VoiceSettings


# A dataclass has the fields of its last base first.
@dataclass(frozen=True, kw_only=True)
class Settings(
    ServerSettings,
    OperationsSettings,
    CostSettings,
    EventSettings,
    JournalSettings,
    IdentitySettings,
    VoiceSettings,
    KeySettings,
    MediaSettings,
):
    """What the operator decides. `read_settings` parses and checks each field.

    - The variable is the field's name in upper case, after `DIALTONE_` unless it is a vendor's.
    - The docstring below a field is its line in `.env.example`.
    - A field without a value is None, or empty.
    - The AWS fields have values if `media` is an `S3Bucket`, those of a provider if `sms` or
      `voice` is this provider. Otherwise these variables are not read: other programs use them too.
    - Secrets have the type `Secret`. Their texts, and others with passwords, can be in files.
    - Each feature has a file of its own, which makes its policy of them.
    """


class InvalidSetting(AttributeError):
    """The variable of this field has an invalid value."""


class PartialSettings(Settings):
    """Settings while they are read: the field of an invalid variable has no value."""

    def __init__(self, variables: Variables) -> None:
        """Begin without values."""
        self.set("variables", variables)

    def set(self, field_name: str, value: Any) -> None:
        """Give a field its value."""
        object.__setattr__(self, field_name, value)

    def __getattr__(self, name: str) -> Any:
        """Raise the error that says why a field has no value."""
        raise InvalidSetting(name)

    def complete(self) -> Settings:
        """Return the settings, when all fields have a value."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(self)})


FIELDS: Final[Mapping[str, tuple[str, Declaration]]] = declared(Settings)
"""Each variable's field: its name and its declaration. Those of a group stand together."""

FILE_VARIABLES: Final[Mapping[str, str]] = {
    name: file_variable
    for name, (_, declaration) in FIELDS.items()
    if (file_variable := declaration.file_variable(name))
}
"""The variables whose text can be in a file, each with the variable that names the file."""

VARIABLES: Final = (*FIELDS, *FILE_VARIABLES.values())
"""All variables of the service."""

"""The settings of the core: one class for each part of it, one field for each variable."""

from dataclasses import dataclass
from typing import TypeVar

from entrypoints.settings.identities import IdentitySettings
from entrypoints.settings.keys import KeySettings
from entrypoints.settings.server import ServerSettings

S = TypeVar("S")


# A dataclass has the fields of its last base first.
@dataclass(frozen=True, kw_only=True)
class Settings(ServerSettings, IdentitySettings, KeySettings):
    """What the operator decides. `read_settings` parses and checks each field.

    - The variable is the field's name in upper case, after `DIALTONE_` unless it is a vendor's.
    - A field without a value is None, or empty.
    - The fields of a vendor have values if another setting names the vendor. Otherwise these
      variables are not read: other programs use them too.
    - A feature has a subclass with its settings, which overrides what it changes in the core. What
      `read_settings` returns is an instance of the classes of all features.
    """

    def of(self, settings: type[S]) -> S:
        """Return these settings as those of a feature, which is installed.

        Raises:
            TypeError: It is not installed.
        """
        if not isinstance(self, settings):
            raise TypeError(f"These settings have no {settings.__name__}: it is not installed.")
        return self

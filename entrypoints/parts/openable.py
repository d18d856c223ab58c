"""What a program opens if it needs it: something of the core, or a feature."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from entrypoints.settings.rules import Library
    from entrypoints.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Openable:
    """Limits, one-time codes, the details of a user, or a feature: a program opens what it needs.

    Attributes:
        opens: What of the core has to be open, such as `otp`.
        files_read: The fields that `check_files` reads: it is called where these are valid.
    """

    name: ClassVar[str]
    opens: ClassVar[tuple[str, ...]] = ()
    files_read: ClassVar[tuple[str, ...]] = ()

    def libraries(self, settings: "Settings") -> "Iterable[Library]":
        """Return the libraries that it needs with these settings."""
        del settings
        return ()

    def check_files(self, settings: "Settings") -> None:
        """Check the files that its settings name, at the start and in `check-settings`."""
        del settings

    def notes(self, settings: "Settings") -> Iterable[str]:
        """Return what `check-settings` says at its end: what is valid, and may be a mistake."""
        del settings
        return ()

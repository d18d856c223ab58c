"""What opens itself with the others: a piece of the core, or a feature."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from entrypoints.parts.composition import Composition
    from entrypoints.settings.rules import Library
    from entrypoints.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Piece:
    """Limits, one-time codes, the details of a user, or a feature: a program opens what it needs.

    Attributes:
        opens: The names of the pieces of the core that have to be open, such as `otp`.
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

    async def open(self, composition: "Composition") -> None:
        """Open its ports, and add what it has to the core and to the service.

        Those are its use cases, its export part, its steps of the cleanup, and, in the service,
        its tasks, gauges and lines of the banner: see `Composition`. What has to be closed is
        entered in `composition.stack`.
        """
        del composition

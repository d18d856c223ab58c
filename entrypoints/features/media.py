"""The library of pictures, with its moderation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.administration.show_user import UserDetails
    from entrypoints.commands.command import Command
    from entrypoints.commands.connection_checks import Check
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.settings.settings import Settings
    from entrypoints.words.user_rows import UserRow


class Media(Feature):
    """The library of pictures, with its moderation."""

    name = "media"
    folders = (
        "domain/media",
        "application/media",
        "application/ports/media.py",
        "adapters/disk",
        "adapters/s3",
        "adapters/pillow",
        "adapters/records/features/media.py",
        "entrypoints/http/media",
        "entrypoints/commands/media",
        "pytest_dialtone/suites/media",
        "entrypoints/words/library_words.py",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.media.commands import COMMANDS

        return COMMANDS

    def user_rows(self, details: "UserDetails") -> "Sequence[UserRow]":
        """Return what it knows about a user, for `dialtone user show` and the console."""
        from entrypoints.words.library_words import library_rows

        return library_rows(details)

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        from entrypoints.http.media.plugin import MediaPlugin

        return (MediaPlugin(settings.http_media()),)

    def connection_checks(self, settings: "Settings") -> "Mapping[str, Check]":
        """Return what `check-settings --connect` tries, by the name that it shows."""
        from entrypoints.commands.media.check_connection import connection_checks

        return connection_checks(settings)


MEDIA: Final = Media()

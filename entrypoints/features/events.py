"""Events of users, which are sent to the operator"s backend."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.administration.show_user import UserDetails
    from entrypoints.commands.command import Command
    from entrypoints.commands.connection_checks import Check
    from entrypoints.settings.settings import Settings
    from entrypoints.words.user_rows import UserRow


class Events(Feature):
    """Events of users, which are sent to the operator"s backend."""

    name = "events"
    folders = (
        "application/events",
        "application/ports/events.py",
        "adapters/events",
        "pytest_dialtone/suites/events",
        "entrypoints/commands/events",
        "entrypoints/words/event_words.py",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.events.commands import COMMANDS

        return COMMANDS

    def user_rows(self, details: "UserDetails") -> "Sequence[UserRow]":
        """Return what it knows about a user, for `dialtone user show` and the console."""
        from entrypoints.words.event_words import event_rows

        return event_rows(details)

    def connection_checks(self, settings: "Settings") -> "Mapping[str, Check]":
        """Return what `check-settings --connect` tries, by the name that it shows."""
        from entrypoints.commands.events.check_connection import connection_checks

        return connection_checks(settings)


EVENTS: Final = Events()

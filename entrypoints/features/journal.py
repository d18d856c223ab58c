"""The journal of acts, which outlives the database."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command
    from entrypoints.commands.connection_checks import Check
    from entrypoints.settings.settings import Settings


class Journal(Feature):
    """The journal of acts, which outlives the database."""

    name = "journal"
    folders = (
        "domain/journal",
        "application/journal",
        "application/ports/journal.py",
        "adapters/journal",
        "entrypoints/commands/journal",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.journal.commands import COMMANDS

        return COMMANDS

    def connection_checks(self, settings: "Settings") -> "Mapping[str, Check]":
        """Return what `check-settings --connect` tries, by the name that it shows."""
        from entrypoints.commands.journal.check_connection import connection_checks

        return connection_checks(settings)


JOURNAL: Final = Journal()

"""The journal of acts, which outlives the database."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command


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


JOURNAL: Final = Journal()

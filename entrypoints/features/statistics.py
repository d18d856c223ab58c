"""Statistics of messages and logins, and what messages and calls cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.settings.settings import Settings


class Statistics(Feature):
    """Statistics of messages and logins, and what messages and calls cost."""

    name = "statistics"
    folders = (
        "domain/statistics",
        "application/statistics",
        "application/ports/statistics.py",
        "adapters/price_file",
        "adapters/records/features/statistics.py",
        "entrypoints/http/statistics",
        "entrypoints/commands/statistics",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.statistics.commands import COMMANDS

        return COMMANDS

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        del settings
        from entrypoints.http.statistics.plugin import StatisticsPlugin

        return (StatisticsPlugin(),)


STATISTICS: Final = Statistics()

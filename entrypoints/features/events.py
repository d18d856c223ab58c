"""Events of users, which are sent to the operator"s backend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command


class Events(Feature):
    """Events of users, which are sent to the operator"s backend."""

    name = "events"
    folders = (
        "application/events",
        "application/ports/events.py",
        "adapters/events",
        "pytest_dialtone/suites/events",
        "entrypoints/commands/events",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.events.commands import COMMANDS

        return COMMANDS


EVENTS: Final = Events()

"""Imports of users, and of the users and items of an older service."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command


class Imports(Feature):
    """Imports of users, and of the users and items of an older service."""

    name = "imports"
    folders = (
        "application/imports",
        "adapters/user_files",
        "entrypoints/commands/imports",
    )
    needs = ("media",)

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.imports.commands import COMMANDS

        return COMMANDS


IMPORTS: Final = Imports()

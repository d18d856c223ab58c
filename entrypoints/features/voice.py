"""The phone line, and codes that are read out in a call."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command


class Voice(Feature):
    """The phone line, and codes that are read out in a call."""

    name = "voice"
    folders = (
        "domain/voice",
        "application/voice",
        "application/ports/voice.py",
        "adapters/flows",
        "adapters/records/features/voice.py",
        "entrypoints/http/voice",
        "entrypoints/commands/voice",
        "pytest_dialtone/suites/voice",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.voice.commands import COMMANDS

        return COMMANDS


VOICE: Final = Voice()

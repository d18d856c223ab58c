"""The phone line, and codes that are read out in a call."""

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
        "entrypoints/words/call_words.py",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.voice.commands import COMMANDS

        return COMMANDS

    def user_rows(self, details: "UserDetails") -> "Sequence[UserRow]":
        """Return what it knows about a user, for `dialtone user show` and the console."""
        from entrypoints.words.call_words import call_rows

        return call_rows(details)

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        from entrypoints.http.voice.plugin import VoicePlugin

        return (VoicePlugin(has_phone_line=settings.has_phone_line),)

    def connection_checks(self, settings: "Settings") -> "Mapping[str, Check]":
        """Return what `check-settings --connect` tries, by the name that it shows."""
        from entrypoints.commands.voice.check_connection import connection_checks

        return connection_checks(settings)


VOICE: Final = Voice()

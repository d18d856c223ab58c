"""The web console of administrators."""

from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.settings.settings import Settings


class Console(Feature):
    """The web console of administrators."""

    name = "console"
    folders = (
        "domain/console",
        "application/console",
        "application/ports/console.py",
        "adapters/records/features/console.py",
        "entrypoints/http/console",
    )

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        if not settings.has_console:
            return ()
        from entrypoints.features import FEATURES
        from entrypoints.http.console.plugin import ConsolePlugin

        return (ConsolePlugin([feature.user_rows for feature in FEATURES]),)


CONSOLE: Final = Console()

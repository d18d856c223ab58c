"""The page at `/` of a service in development, and the web client."""

from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.settings.settings import Settings


class Start(Feature):
    """The page at `/` of a service in development, and the web client."""

    name = "start"
    folders = ("entrypoints/http/start",)

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        from entrypoints.http.start.plugin import StartPlugin
        from entrypoints.settings.start_page import http_start_page

        return (StartPlugin(http_start_page(settings)),)


START: Final = Start()

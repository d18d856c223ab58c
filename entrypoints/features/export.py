"""The export of all data of a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.settings.settings import Settings


class Export(Feature):
    """The export of all data of a person."""

    name = "export"
    folders = (
        "application/export",
        "entrypoints/http/export",
        "entrypoints/commands/export",
    )

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        del settings
        from entrypoints.http.export.plugin import ExportPlugin

        return (ExportPlugin(),)


EXPORT: Final = Export()

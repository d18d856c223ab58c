"""The export of all data of a person."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.export import KINDS
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.settings import Settings


class _Export(Feature):
    """The export of all data of a person."""

    name = "export"
    opens = ("limits",)
    kinds = KINDS

    def plugins(self, settings: "Settings", installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del settings, installed
        from entrypoints.http.features.export.plugin import ExportPlugin

        return (ExportPlugin(),)

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Add the use cases. An export has what the features add that are open."""
        from adapters.databases.records.features.export import make_export_repositories
        from application.features.export.feature import ExportFeature

        repositories = make_export_repositories(opening.database)
        opening.use_cases.add(ExportFeature(opening.use_cases, repositories))
        yield


EXPORT: Final = _Export()

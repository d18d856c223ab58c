"""The export of all data of a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.export import KINDS, make_export_repositories
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition


class _Export(Feature):
    name = "export"
    opens = ("limits",)
    kinds = KINDS

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.export.plugin import ExportPlugin

        return (ExportPlugin(),)

    async def open(self, composition: "Composition") -> None:
        """Add the use cases. An export has what the features add that are open."""
        from application.features.export.feature import ExportFeature

        repositories = make_export_repositories(composition.database)
        composition.use_cases.add(ExportFeature(composition.use_cases, repositories))


EXPORT: Final = _Export()

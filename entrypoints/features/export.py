"""The export of all data of a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.export import KINDS, make_export_repositories
from application.opened import Opened
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.features.export import Exports
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition


class _Export(Feature["Exports"]):
    name = "export"
    opens = ("limits",)
    kinds = KINDS

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.export.api import ExportPlugin

        return (ExportPlugin(),)

    async def open(self, composition: "Composition") -> Opened["Exports"]:
        from application.features.export import open_export

        return open_export(composition.core_ports, make_export_repositories(composition.database))


EXPORT: Final = _Export()

"""The export of all data of a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.export import KINDS, make_export_repositories
from application.opened import Opened
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.features.export import Exports
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition


class _Export(Feature["Exports"]):
    name = "export"
    opens = ("limits",)
    kinds = KINDS

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.export.api import ExportHttpAdditions

        return (ExportHttpAdditions(),)

    async def open(self, composition: "Composition") -> Opened["Exports"]:
        from application.features.export import open_export

        return open_export(composition.core_ports, make_export_repositories(composition.database))


EXPORT: Final = _Export()

"""The repositories of exports."""

from dataclasses import dataclass

from application.ports.versioned import ExpiringRecords
from domain.features.export import DataExport, ExportLink


@dataclass(frozen=True, slots=True)
class ExportRepositories:
    """The repositories of exports."""

    data_exports: ExpiringRecords[DataExport]
    export_links: ExpiringRecords[ExportLink]

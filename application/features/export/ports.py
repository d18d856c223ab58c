"""The repository of exports of a person's own data."""

from dataclasses import dataclass

from application.ports.versioned import ExpiringRecords
from domain.features.export import DataExport


@dataclass(frozen=True, slots=True)
class ExportRepositories:
    """The repositories of exports."""

    data_exports: ExpiringRecords[DataExport]

"""The repository of exports of a person's own data."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import DeletableRecords, Expiring
from domain.export.data_export import DataExport


class DataExports(DeletableRecords[DataExport], Expiring, Protocol):
    """The latest export of each person, by the id of the identity."""


@dataclass(frozen=True, slots=True)
class ExportRepositories:
    """The repositories of exports."""

    data_exports: DataExports

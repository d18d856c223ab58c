"""The records of exports of a person's own data."""

from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.export.ports import ExportRepositories
from domain.features.export import DataExport


class DataExportRecord(Record, kw_only=True):
    """The latest export of an identity, by its id."""

    id: str
    started_at: datetime
    transfers: int = 1
    is_complete: bool = False
    last_began_at: datetime | None = None
    expires_at: datetime


DATA_EXPORTS: Final = RecordKind(
    "data_exports",
    DataExportRecord,
    Index(name="data_exports_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "when the owner exported the data last",
            "id started_at transfers is_complete last_began_at expires_at",
            "one day",
            "at most one export a day",
            "cleanup; deletion at once",
            "`account.json`",
        ),
    ),
)


def make_export_repositories(database: Database) -> ExportRepositories:
    """Return the repositories of exports."""
    mapping = RecordMapping(DATA_EXPORTS, DataExport)
    return ExportRepositories(
        data_exports=RecordRepository(database.records, mapping, do_ids_return=True)
    )


KINDS: Final = (DATA_EXPORTS,)

"""The records of exports of a person's own data, and of links to an export."""

from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.export import ExportRepositories
from domain.features.export import DataExport, ExportLink


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


class ExportLinkRecord(Record, kw_only=True):
    """A link to an export. Its id is the hash of its secret."""

    id: str
    operator_id: str
    session_id: str
    user_id: str
    reason: str
    expires_at: datetime


EXPORT_LINKS: Final = RecordKind(
    "export_links",
    ExportLinkRecord,
    Index(name="export_links_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "links of the staff to an export: who made it, for whom and why",
            "id operator_id session_id user_id reason expires_at",
            "one minute",
            "a browser downloads the archive once",
            "the download; cleanup",
        ),
    ),
)


def make_export_repositories(database: Database) -> ExportRepositories:
    """Return the repositories of exports."""
    data_exports = RecordMapping(DATA_EXPORTS, DataExport)
    export_links = RecordMapping(EXPORT_LINKS, ExportLink)
    return ExportRepositories(
        data_exports=RecordRepository(database.records, data_exports, do_ids_return=True),
        export_links=RecordRepository(database.records, export_links),
    )


KINDS: Final = (DATA_EXPORTS, EXPORT_LINKS)

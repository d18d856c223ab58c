"""The records of what the backend of the app keeps with users."""

from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.ports.versioned import DeletableRecords
from domain.features.app_data import AppData


class AppDataRecord(Record, kw_only=True):
    """The data of an identity, by its id."""

    id: str
    text: str


APP_DATA: Final = RecordKind(
    "app_data",
    AppDataRecord,
    retention=(
        Retention(
            "what the backend keeps with the user",
            "id text",
            "as long as the account",
            "the app shows it, and decides by it",
            "operator; deletion at once",
            "`app_data.json`",
        ),
    ),
)


def make_app_data(database: Database) -> DeletableRecords[AppData]:
    """Return the repository of what backends keep with users."""
    mapping = RecordMapping(APP_DATA, AppData)
    return RecordRepository(database.records, mapping, do_ids_return=True)


KINDS: Final = (APP_DATA,)

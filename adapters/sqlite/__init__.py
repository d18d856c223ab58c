"""All records and limits in one SQLite file: durable when acknowledged, shared by processes."""

from adapters.sqlite.backup import DatabaseCopy, back_up_database, has_identities, restore_database
from adapters.sqlite.database import inspect_file
from adapters.sqlite.index_key import change_index_key, check_unused
from adapters.sqlite.opening import open_sqlite_database

__all__ = [
    "DatabaseCopy",
    "back_up_database",
    "change_index_key",
    "check_unused",
    "has_identities",
    "inspect_file",
    "open_sqlite_database",
    "restore_database",
]

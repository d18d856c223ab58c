"""All records and limits in one SQLite file: durable when acknowledged, shared by processes."""

from adapters.databases.sqlite.backup import (
    DatabaseCopy,
    back_up_database,
    has_identities,
    restore_database,
)
from adapters.databases.sqlite.database import inspect_file
from adapters.databases.sqlite.opening import (
    locate_missing,
    open_existing,
    open_sqlite_database,
    open_to_copy,
)

__all__ = [
    "DatabaseCopy",
    "back_up_database",
    "has_identities",
    "inspect_file",
    "locate_missing",
    "open_existing",
    "open_sqlite_database",
    "open_to_copy",
    "restore_database",
]

"""Records in one SQLite file: durable when acknowledged, shared by several processes."""

from adapters.sqlite.errors import DatabaseNotUsable
from adapters.sqlite.records import open_sqlite_records

__all__ = ["DatabaseNotUsable", "open_sqlite_records"]

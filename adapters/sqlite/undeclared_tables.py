"""Tables of kinds that this program does not have."""

import sqlite3
from collections.abc import Sequence
from typing import Final

# ruff: noqa: S608 -- the names are ours
_LAYOUT: Final = {("id", "TEXT", 1, 1), ("version", "INTEGER", 1, 0), ("body", "TEXT", 1, 0)}
"""Name, type, whether it is not null, and whether it is the key, of the columns of each kind."""
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
_COLUMNS: Final = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?)'


def has_layout(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether a table exists, and has the columns of a kind."""
    return {*connection.execute(_COLUMNS, (name,))} >= _LAYOUT


def has_undeclared(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether a table exists, and has records of ours."""
    if not has_layout(connection, name):
        return False
    version = "CASE WHEN json_valid(body) THEN json_type(body, '$.schema_version') END"
    rows = connection.execute(f"SELECT {version} FROM {name} LIMIT 1").fetchall()
    return rows == [("integer",)]


def list_tables(connection: sqlite3.Connection) -> Sequence[str]:
    """Return the names of all tables but those of SQLite."""
    rows = connection.execute(_TABLES).fetchall()
    return sorted(name for (name,) in rows if not name.startswith("sqlite_"))


def delete_undeclared(connection: sqlite3.Connection, name: str, limit: int) -> int:
    """Delete up to `limit` records of a table, if they are ours, and return their number."""
    if not has_undeclared(connection, name):
        return 0
    sql = f"DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT ?)"
    return connection.execute(sql, (limit,)).rowcount

"""Tables of kinds that this program does not have."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.schema import OWN_COLUMNS

# ruff: noqa: S608 -- the names are ours
Read = Callable[[str, Sequence[object]], Awaitable[Sequence[Sequence[Any]]]]


async def has_undeclared(read: Read, dialect: Dialect, name: str) -> bool:
    """Return whether a table exists, and has records of ours."""
    [(columns,)] = await read(dialect.count_columns, (name,))
    if columns != len(OWN_COLUMNS):
        return False
    rows = await read(f"SELECT {dialect.has_schema_version} FROM {name} LIMIT 1", ())
    return any(has_version for (has_version,) in rows)


def delete_some(dialect: Dialect, name: str) -> str:
    """Return the statement that deletes some records of a table; its value is how many."""
    return f"DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT {dialect.place})"

"""Tables of kinds that this program does not have."""

from collections.abc import Awaitable, Callable
from typing import Final

from psycopg.rows import TupleRow

from adapters.postgres.sessions import Values

# ruff: noqa: S608 -- the names are ours
_HAS_LAYOUT: Final = """
SELECT count(*) FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = current_schema() AND relname = %s AND relkind IN ('r', 'p')
    AND attnotnull AND NOT attisdropped
    AND (attname, atttypid) IN
        (('id', 'text'::regtype), ('version', 'bigint'::regtype), ('body', 'jsonb'::regtype))
"""
LIST_TABLES: Final = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = current_schema() AND relkind IN ('r', 'p')
"""
_COLUMNS: Final = 3


async def has_undeclared(
    read: Callable[[str, Values], Awaitable[list[TupleRow]]], name: str
) -> bool:
    """Return whether a table exists, and has records of ours."""
    [(columns,)] = await read(_HAS_LAYOUT, (name,))
    if columns != _COLUMNS:
        return False
    rows = await read(f"SELECT jsonb_typeof(body -> 'schema_version') FROM {name} LIMIT 1", ())
    return [*map(tuple, rows)] == [("number",)]


def delete_statement(name: str) -> str:
    """Return the statement that deletes some records of a table; its value is how many."""
    return f"DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT %s)"

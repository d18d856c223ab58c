"""A database in PostgreSQL, by psycopg and its pool."""

from adapters.databases.postgres.opening import (
    inspect_database,
    locate_missing,
    open_existing,
    open_postgres_database,
    open_time,
    open_to_copy,
)

__all__ = [
    "inspect_database",
    "locate_missing",
    "open_existing",
    "open_postgres_database",
    "open_time",
    "open_to_copy",
]

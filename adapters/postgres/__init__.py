"""A database in PostgreSQL, by psycopg and its pool."""

from adapters.postgres.index_key import change_index_key, check_unused
from adapters.postgres.opening import inspect_database, open_postgres_database

__all__ = ["change_index_key", "check_unused", "inspect_database", "open_postgres_database"]

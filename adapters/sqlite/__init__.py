"""All repositories in one SQLite file: durable when acknowledged, shared by several processes."""

from adapters.sqlite.database import inspect_file
from adapters.sqlite.phone_keys import change_index_key, check_unused, reencrypt_phones
from adapters.sqlite.repositories import open_sqlite_repositories

__all__ = [
    "change_index_key",
    "check_unused",
    "inspect_file",
    "open_sqlite_repositories",
    "reencrypt_phones",
]

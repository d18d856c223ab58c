"""All repositories in one SQLite file: durable when acknowledged, shared by several processes."""

from adapters.sqlite.repositories import open_sqlite_repositories

__all__ = ["open_sqlite_repositories"]

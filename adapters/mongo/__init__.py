"""A database in MongoDB (standalone, replica set or sharded cluster), by beanie over motor."""

from adapters.mongo.opening import (
    inspect_database,
    open_existing,
    open_mongo_database,
    open_time,
    open_to_copy,
)

__all__ = [
    "inspect_database",
    "open_existing",
    "open_mongo_database",
    "open_time",
    "open_to_copy",
]

"""A database in MongoDB (a standalone server or a replica set), by beanie over motor.

Sharded clusters are untested.
"""

from adapters.databases.mongo.opening import (
    inspect_database,
    locate_missing,
    open_existing,
    open_mongo_database,
    open_time,
    open_to_copy,
)

__all__ = [
    "inspect_database",
    "locate_missing",
    "open_existing",
    "open_mongo_database",
    "open_time",
    "open_to_copy",
]

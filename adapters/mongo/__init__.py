"""A database in MongoDB (standalone, replica set or sharded cluster), by beanie over motor."""

from adapters.mongo.index_key import change_index_key, check_unused
from adapters.mongo.opening import inspect_database, open_mongo_database

__all__ = ["change_index_key", "check_unused", "inspect_database", "open_mongo_database"]

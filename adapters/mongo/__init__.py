"""Records in MongoDB: a standalone, a replica set or a sharded cluster, by beanie over motor."""

from adapters.mongo.errors import DatabaseNotUsable
from adapters.mongo.records import open_mongo_records

__all__ = ["DatabaseNotUsable", "open_mongo_records"]

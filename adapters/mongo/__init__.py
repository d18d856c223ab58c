"""Repositories in MongoDB (standalone, replica set or sharded cluster), by beanie over motor."""

from adapters.mongo.repositories import open_mongo_repositories

__all__ = ["open_mongo_repositories"]

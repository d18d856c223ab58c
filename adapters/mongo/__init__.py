"""Repositories in MongoDB (standalone, replica set or sharded cluster), by beanie over motor."""

from adapters.mongo.phone_keys import change_index_key, check_unused, reencrypt_phones
from adapters.mongo.repositories import inspect_database, open_mongo_repositories

__all__ = [
    "change_index_key",
    "check_unused",
    "inspect_database",
    "open_mongo_repositories",
    "reencrypt_phones",
]

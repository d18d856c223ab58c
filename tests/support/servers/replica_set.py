"""Replica sets of MongoDB: only they have majorities and sessions."""

from collections.abc import Sequence
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

REPLICA_SET: Final = "rs0"
_ALREADY_INITIALIZED: Final = 23


def initiate(url: str, members: Sequence[str], *, election_timeout: float = 10.0) -> None:
    """Initiate the replica set of this node; does nothing if it is initiated already."""
    config = {
        "_id": REPLICA_SET,
        "members": [{"_id": number, "host": host} for number, host in enumerate(members)],
        "settings": {"electionTimeoutMillis": int(election_timeout * 1000)},
    }
    with _client(url) as client:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise


def is_primary(url: str) -> bool:
    """Return whether this node is writable."""
    # A client that connected before the node was in a set would not use sessions.
    with _client(url) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except AutoReconnect:
            return False


def version(url: str) -> str:
    """Return the version of the server."""
    with _client(url) as client:
        return str(client.server_info()["version"])


def _client(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, serverSelectionTimeoutMS=5000)

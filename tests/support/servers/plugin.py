"""Real servers for tests: MongoDB and S3, one each for a run, from the best source at hand.

- `mongo_url`, `mongo_database`: the server, and an empty database of one test alone.
- `s3_server`, `s3_place`: the server with a bucket, and a place there of one test alone.

Nothing is started before it is asked for, no test is skipped for want of a server, and at the end
the run says what served. Variables that decide, read by the modules that are named:

- `DIALTONE_TEST_MONGO_URL`, `DIALTONE_TEST_S3_ENDPOINT` and its keys: servers that run already
  (environment);
- `DIALTONE_TEST_MONGO_IMAGE`, `DIALTONE_TEST_S3_IMAGE`: other images (containers);
- `DIALTONE_TEST_SERVERS`: only these sources, in this order (choice).

The process that begins the run keeps the desk; pytest-xdist's workers are told where it is.
"""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.servers.desk import Desk, ask
from tests.support.servers.refusals import NoServer
from tests.support.servers.s3_server import S3Server

FIXTURES: Final = {"mongo_url": "mongo", "s3_server": "s3"}
_PLACE: Final = "dialtone_desk"
_DESK: Final = pytest.StashKey[Desk]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_DESK] = Desk()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_PLACE] = str(node.config.stash[_DESK].path)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Have what the tests ask for before the first begins: a fetch is on no test's time."""
    asked = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly:
        for fixture in FIXTURES.keys() & asked:
            # A refusal is given again, to the tests that ask.
            with suppress(NoServer):
                _ask(session.config, FIXTURES[fixture])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash[_DESK].told():
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _DESK in config.stash:
        config.stash[_DESK].close()


@pytest.fixture(scope="session")
def mongo_url(pytestconfig: pytest.Config) -> str:
    """The address of a MongoDB that is the primary of a replica set; all tests share it."""
    return str(_given(pytestconfig, FIXTURES["mongo_url"])["url"])


@pytest.fixture
def mongo_database(mongo_url: str) -> Iterator[str]:
    """The address of a database of this test alone, empty at first and dropped afterwards."""
    from pymongo import MongoClient

    name = f"test_{uuid.uuid4().hex}"
    server, question, options = mongo_url.partition("?")
    yield f"{server.rstrip('/')}/{name}{question}{options}"
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.drop_database(name)


@pytest.fixture(scope="session")
def s3_server(pytestconfig: pytest.Config) -> S3Server:
    """An S3 server with a bucket that all tests share."""
    return S3Server(**_given(pytestconfig, FIXTURES["s3_server"]))


@pytest.fixture
def s3_place(s3_server: S3Server) -> str:
    """A place of this test alone in the shared bucket, as DIALTONE_MEDIA names it."""
    return f"s3://{s3_server.bucket}/{uuid.uuid4().hex}"


def _given(config: pytest.Config, wanted: str) -> dict[str, Any]:
    try:
        return _ask(config, wanted)
    except NoServer as refusal:
        reason = str(refusal)
    pytest.fail(reason, pytrace=False)


def _ask(config: pytest.Config, wanted: str) -> dict[str, Any]:
    workerinput = getattr(config, "workerinput", None)
    return ask(Path(workerinput[_PLACE]) if workerinput else config.stash[_DESK].path, wanted)

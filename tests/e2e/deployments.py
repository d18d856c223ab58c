"""The two deployments and the three databases that the tests run with."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.forked_service import running
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.s3 import S3Server
from tests.support.service import Inbox, Service
from tests.support.timeouts import with_long_timeout

Deployment = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Service]]
"""The arguments are the request and the service's folder."""


def embedded(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Service]:
    """SQLite, disk and the terminal."""
    return running(folder)


@contextmanager
def on_servers(request: pytest.FixtureRequest, folder: Path) -> Iterator[Service]:
    """MongoDB, S3 and a fake Twilio."""
    with servers(request) as (settings, inbox), running(folder, settings, inbox) as service:
        yield service


Database = Callable[[pytest.FixtureRequest], Mapping[str, str]]


@contextmanager
def servers(
    request: pytest.FixtureRequest, database: Database | None = None
) -> Iterator[tuple[dict[str, str], Inbox]]:
    """Yield the settings of a service with its own database and prefix, and its inbox.

    The database is in MongoDB, unless another one is given.
    """
    s3_server: S3Server = request.getfixturevalue("s3_server")
    with FakeTwilio() as twilio:
        settings = {
            **(database or on_mongo)(request),
            "DIALTONE_MEDIA": f"s3://{s3_server.bucket}/{uuid.uuid4().hex}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3_server.environ(),
            **twilio.environ,
        }

        def inbox(phone: str) -> list[str]:
            return [message["Body"] for message in twilio.messages if message["To"] == phone]

        yield settings, inbox


IN_EACH_DEPLOYMENT: Final = pytest.mark.parametrize(
    "service",
    [embedded, on_servers],
    indirect=True,
    ids=lambda deployment: deployment.__name__,
)
"""Runs tests with the fixture `service` in both deployments."""


def on_sqlite(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The default: SQLite in the service's folder."""
    return {}


def on_mongo(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """A new database on the MongoDB server."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    server, separator, options = mongo_url.partition("?")
    name = f"e2e_{uuid.uuid4().hex}"
    url = f"{server.rstrip('/')}/{name}{separator}{options}"
    return {"DIALTONE_DATABASE": with_long_timeout(url)}


def on_postgres(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """A new database on the PostgreSQL server."""
    url: str = request.getfixturevalue("new_postgres_database")()
    return {"DIALTONE_DATABASE": with_long_timeout(url)}


DATABASES: Final[tuple[Database, ...]] = (on_sqlite, on_mongo, on_postgres)

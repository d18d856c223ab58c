"""The databases on which services of tests run."""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from tests.support.timeouts import with_long_timeout

Database = Callable[[pytest.FixtureRequest], Mapping[str, str]]
"""Returns the settings of a service with a database of its own."""


def on_sqlite(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The default: SQLite in the service's folder."""
    del request
    return {}


def on_mongo(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """A new database on the MongoDB server."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    server, separator, options = mongo_url.partition("?")
    url = f"{server.rstrip('/')}/service_{uuid.uuid4().hex}{separator}{options}"
    return {"DIALTONE_DATABASE": with_long_timeout(url)}


def on_postgres(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """A new database on the PostgreSQL server."""
    url: str = request.getfixturevalue("new_postgres_database")()
    return {"DIALTONE_DATABASE": with_long_timeout(url)}


ON_EACH_DATABASE: Final = pytest.mark.parametrize(
    "service",
    [on_sqlite, on_mongo, on_postgres],
    indirect=True,
    ids=lambda database: database.__name__,
)
"""Runs a test with the fixture `service` on each of them."""

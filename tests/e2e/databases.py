"""The settings of a service with either database, and embedded parts otherwise."""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

import pytest

Database = Callable[[pytest.FixtureRequest], Mapping[str, str]]


def on_sqlite(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The default: SQLite in the service's folder."""
    return {}


def on_mongo(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """A new database on the MongoDB server."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    server, separator, options = mongo_url.partition("?")
    name = f"e2e_{uuid.uuid4().hex}"
    return {"DIALTONE_DATABASE": f"{server.rstrip('/')}/{name}{separator}{options}"}


DATABASES: Final[tuple[Database, ...]] = (on_sqlite, on_mongo)

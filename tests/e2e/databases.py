"""The settings of a service that keeps its records here or there, and nothing else elsewhere."""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

import pytest

Database = Callable[[pytest.FixtureRequest], Mapping[str, str]]


def on_sqlite(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """In a file in the service's folder, as it does where nothing else is said."""
    return {}


def on_mongo(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """In a database of its own on the MongoDB server."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    server, question, options = mongo_url.partition("?")
    name = f"e2e_{uuid.uuid4().hex}"
    return {"DIALTONE_DATABASE": f"{server.rstrip('/')}/{name}{question}{options}"}


DATABASES: Final[tuple[Database, ...]] = (on_sqlite, on_mongo)

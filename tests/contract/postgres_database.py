"""The database in PostgreSQL, for suites that run on all databases."""

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import psycopg
import pytest

from adapters.databases.postgres import open_postgres_database
from adapters.databases.records.database import Database
from adapters.databases.records.limits import LIMITS
from entrypoints.composition.features import KINDS
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.timeouts import with_long_timeout

_CONNECTION: Final = pytest.StashKey[psycopg.Connection[Any]]()
_DATABASE_URL: Final = pytest.StashKey[str]()
# Faster than TRUNCATE, which makes new files.
_EMPTY: Final = "; ".join(f"DELETE FROM {kind.name}" for kind in (*KINDS, LIMITS))  # noqa: S608


def in_postgres(
    request: pytest.FixtureRequest,
) -> Callable[[], AbstractAsyncContextManager[Database]]:
    """Empty the database of this test run, and return a function that opens it."""
    url = with_long_timeout(contract_postgres_url(request))
    connection = request.session.stash[_CONNECTION]
    [(exists,)] = connection.execute("SELECT to_regclass('database_metadata') IS NOT NULL")
    if exists:
        connection.execute(_EMPTY)
    return lambda: open_postgres_database(url, FakePhoneEncryption().key_fingerprint())


def contract_postgres_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of the database of this test run."""
    session = request.session
    if _DATABASE_URL not in session.stash:
        server = request.getfixturevalue("postgres_server")
        name = f"contract_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        url = server.database_url(name)
        # The server may be behind a pooler, where no statement can have a name.
        connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        session.stash[_DATABASE_URL], session.stash[_CONNECTION] = url, connection

        def drop() -> None:
            connection.close()
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")

        session.addfinalizer(drop)
    return session.stash[_DATABASE_URL]

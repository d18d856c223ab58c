"""SQLite, PostgreSQL and MongoDB, with an empty database for each measurement."""

import os
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.servers.postgres import PostgresProcess, PostgresServer
from tests.support.servers.process import ServerUnavailable
from tests.support.servers.servers import Servers

CreateDatabase = Callable[[], AbstractContextManager[str]]
"""Creates an empty database and returns its URL as in `DIALTONE_DATABASE`."""
DATABASES: Final = ("SQLite", "PostgreSQL", "MongoDB")
_DURABLE: Final = ("fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=1GB")
"""The settings of a new PostgreSQL, and as much memory as the MongoDB of tests has."""


@contextmanager
def open_databases(
    folder: Path, names: Collection[str] = DATABASES
) -> Iterator[Mapping[str, CreateDatabase]]:
    """Open those of the databases that are named: SQLite in this folder, others if available."""
    with Servers(os.environ) as servers:
        databases: dict[str, CreateDatabase] = {}
        if "SQLite" in names:
            databases["SQLite"] = partial(_create_sqlite, folder)
        if "PostgreSQL" in names:
            try:
                server = _open_postgres(servers, folder)
                databases["PostgreSQL"] = partial(_create_postgres, server)
            except ServerUnavailable as error:
                print(f"without PostgreSQL: {error}")
        if "MongoDB" in names:
            try:
                databases["MongoDB"] = partial(_create_mongo, servers.get("mongo").url)
            except ServerUnavailable as error:
                print(f"without MongoDB: {error}")
        yield databases


@contextmanager
def _create_sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/{uuid.uuid4().hex}.db"


def _open_postgres(servers: Servers, folder: Path) -> PostgresServer:
    """Return the server in the environment, or a process that waits for the disk."""
    named = PostgresServer.from_environ(os.environ)
    if named:
        return named
    return servers.enter_context(PostgresProcess(folder / "postgresql-server", *_DURABLE)).server


@contextmanager
def _create_postgres(server: PostgresServer) -> Iterator[str]:
    name = f"bench_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    try:
        yield server.database_url(name)
    finally:
        # An error here would hide an earlier one.
        with suppress(psycopg.Error):
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _create_mongo(server_url: str) -> Iterator[str]:
    server, question_mark, options = server_url.partition("?")
    url = f"{server.rstrip('/')}/bench_{uuid.uuid4().hex}{question_mark}{options}"
    try:
        yield url
    finally:
        # An error here would hide an earlier one.
        with suppress(PyMongoError), MongoClient[dict[str, Any]](url) as client:
            client.drop_database(client.get_default_database())

"""SQLite and MongoDB, with an empty database for each measurement."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import partial
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from adapters.mongo import open_mongo_database
from adapters.records.repositories import make_repositories
from adapters.sqlite import open_sqlite_database
from application.ports.repositories import Repositories
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.process import ServerUnavailable
from tests.support.servers.servers import Servers

CreateDatabase = Callable[[], AbstractContextManager[str]]
"""Creates an empty database and returns its URL as in `DIALTONE_DATABASE`."""
DATABASES: Final = ("SQLite", "MongoDB")


@contextmanager
def open_databases(
    folder: Path, names: Collection[str] = DATABASES
) -> Iterator[Mapping[str, CreateDatabase]]:
    """Open those of the databases that are named: SQLite in this folder, MongoDB if available."""
    with Servers(os.environ) as servers:
        databases: dict[str, CreateDatabase] = {}
        if "SQLite" in names:
            databases["SQLite"] = partial(_create_sqlite, folder)
        if "MongoDB" in names:
            try:
                databases["MongoDB"] = partial(_create_mongo, servers.mongo.url)
            except ServerUnavailable as error:
                print(f"without MongoDB: {error}")
        yield databases


@asynccontextmanager
async def open_repositories(url: str) -> AsyncIterator[Repositories]:
    """Open the repositories of a database without the service."""
    encryption = FakePhoneEncryption()
    fingerprint = encryption.key_fingerprint()
    if url.startswith("sqlite:///"):
        opened = open_sqlite_database(Path(url.removeprefix("sqlite:///")), fingerprint)
    else:
        opened = open_mongo_database(url, fingerprint)
    async with opened as database:
        yield make_repositories(database, encryption)


@contextmanager
def _create_sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/{uuid.uuid4().hex}.db"


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

"""SQLite, PostgreSQL and MongoDB, with an empty database for each measurement."""

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.servers.postgres import PostgresProcess, PostgresServer
from tests.support.servers.servers import Servers

DATABASES: Final = ("SQLite", "PostgreSQL", "MongoDB")
_DURABLE: Final = ("fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=1GB")
"""The settings of a new PostgreSQL, and as much memory as the MongoDB of tests has."""


class Databases(Servers):
    """Creates databases in a folder, or on servers. At the end of the block they are dropped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(os.environ)
        self._folder = folder
        self._postgres = PostgresServer.from_environ(os.environ)

    def create(self, technology: str) -> str:
        """Return the URL of an empty database as in `DIALTONE_DATABASE`."""
        name = f"bench_{uuid.uuid4().hex}"
        if technology == "SQLite":
            return f"sqlite:///{self._folder}/{name}.db"
        if technology == "PostgreSQL":
            return self._create_postgres(name)
        server, question_mark, options = self.get("mongo").url.partition("?")
        url = f"{server.rstrip('/')}/{name}{question_mark}{options}"
        self.callback(_drop_mongo, url)
        return url

    def _create_postgres(self, name: str) -> str:
        # That of tests does not wait for the disk.
        if self._postgres is None:
            process = PostgresProcess(self._folder / "postgresql-server", *_DURABLE)
            self._postgres = self.enter_context(process).server
        self._postgres.execute(f"CREATE DATABASE {name}")
        self.callback(_drop_postgres, self._postgres, name)
        return self._postgres.database_url(name)


# An error of these would hide an earlier one.
def _drop_mongo(url: str) -> None:
    with suppress(PyMongoError), MongoClient[dict[str, Any]](url) as client:
        client.drop_database(client.get_default_database())


def _drop_postgres(server: PostgresServer, name: str) -> None:
    with suppress(psycopg.Error):
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")

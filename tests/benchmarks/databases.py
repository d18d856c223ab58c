"""Both databases, made empty for each measurement."""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.servers import Servers

Make = Callable[[], AbstractContextManager[str]]
"""Makes an empty database, and gives its address as settings have it."""


@contextmanager
def databases(folder: Path) -> Iterator[Mapping[str, Make]]:
    """SQLite in this folder and, where one is to be had, MongoDB."""
    with Servers(os.environ) as servers:
        found: dict[str, Make] = {"SQLite": partial(_sqlite, folder)}
        try:
            found["MongoDB"] = partial(_mongo, servers.mongo())
        except ServerUnavailable as refusal:
            print(f"without MongoDB: {refusal}")
        yield found


def records_at(address: str) -> AbstractAsyncContextManager[Repositories]:
    """Open the records of a database, without the service."""
    if address.startswith("sqlite:///"):
        return open_sqlite_repositories(
            Path(address.removeprefix("sqlite:///")), FakePhoneEncryption()
        )
    return open_mongo_repositories(address, FakePhoneEncryption())


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/{uuid.uuid4().hex}.db"


@contextmanager
def _mongo(url: str) -> Iterator[str]:
    server, question, options = url.partition("?")
    address = f"{server.rstrip('/')}/bench_{uuid.uuid4().hex}{question}{options}"
    try:
        yield address
    finally:
        with MongoClient[dict[str, Any]](address) as client:
            client.drop_database(client.get_default_database())

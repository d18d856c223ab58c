"""Our databases, which the contract suites of records, limits and repositories run on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from adapters.records.database import Database
from adapters.records.repositories import make_repositories
from adapters.sqlite import open_sqlite_database
from application.ports.repositories import Repositories
from entrypoints.contract_tests.external_adapter import OpenDatabase
from tests.contract.mongo_database import in_mongo
from tests.contract.postgres_database import in_postgres
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption

OpenUnusable = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Database]]
KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()


def in_memory(request: pytest.FixtureRequest) -> OpenDatabase:
    return InMemoryDatabase().open_database


def in_sqlite(request: pytest.FixtureRequest) -> OpenDatabase:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: open_sqlite_database(folder / "records.db", KEY_FINGERPRINT)


ADAPTERS: Final[list[Callable[[pytest.FixtureRequest], OpenDatabase]]] = [
    in_memory,
    in_sqlite,
    in_mongo,
    in_postgres,
]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Return a function that opens a database, which is empty at first. It may be open twice."""
    open_database: OpenDatabase = request.param(request)
    return open_database


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    """Open an empty database."""
    async with open_database() as database:
        yield database


@pytest.fixture
async def other_database(
    open_database: OpenDatabase, database: Database
) -> AsyncIterator[Database]:
    """Open the same database again, as another instance of the service does."""
    async with open_database() as other_database:
        yield other_database


@pytest.fixture
def repositories(database: Database) -> Repositories:
    """Return the repositories over the database."""
    return make_repositories(database, FakePhoneEncryption())


@pytest.fixture
def other_repositories(other_database: Database) -> Repositories:
    """Return the repositories of another instance."""
    return make_repositories(other_database, FakePhoneEncryption())


@asynccontextmanager
async def down(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    memory = InMemoryDatabase()
    async with memory.open_database() as database:
        memory.is_unavailable = True
        yield database


@asynccontextmanager
async def moved_file(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    path: Path = request.getfixturevalue("tmp_path") / "records.db"
    async with open_sqlite_database(path, KEY_FINGERPRINT) as database:
        await asyncio.to_thread(path.rename, path.with_name("moved.db"))
        yield database


@asynccontextmanager
async def closed(
    request: pytest.FixtureRequest, adapter: Callable[[pytest.FixtureRequest], OpenDatabase]
) -> AsyncIterator[Database]:
    async with adapter(request)() as database:
        pass
    yield database


UNUSABLE: dict[str, OpenUnusable] = {
    f"closed_{adapter.__name__}": partial(closed, adapter=adapter)
    for adapter in ADAPTERS
    if adapter is not in_memory
} | {"down": down, "moved_file": moved_file}


@pytest.fixture(params=UNUSABLE)
async def unusable_database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Return a database that cannot be used."""
    async with UNUSABLE[request.param](request) as database:
        yield database

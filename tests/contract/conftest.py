"""The databases that the contract suites of the repositories run on.

An external adapter replaces them, if one is given.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from tests.contract import external_adapter
from tests.contract.mongo_database import in_mongo
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption

OpenRepositories = Callable[[], AbstractAsyncContextManager[Repositories]]
OpenUnusable = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Repositories]]


def in_memory(request: pytest.FixtureRequest) -> OpenRepositories:
    return InMemoryDatabase().open_repositories


def in_sqlite(request: pytest.FixtureRequest) -> OpenRepositories:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: open_sqlite_repositories(folder / "records.db", FakePhoneEncryption())


def external(request: pytest.FixtureRequest) -> OpenRepositories:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: external_adapter.open_external_adapter(folder)


ADAPTERS: list[Callable[[pytest.FixtureRequest], OpenRepositories]] = (
    [external] if external_adapter.is_given() else [in_memory, in_sqlite, in_mongo]
)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def open_repositories(request: pytest.FixtureRequest) -> OpenRepositories:
    """Return a function that opens a database, which is empty at first. It may be open twice."""
    open_database: OpenRepositories = request.param(request)
    return open_database


@pytest.fixture
async def repositories(open_repositories: OpenRepositories) -> AsyncIterator[Repositories]:
    """Open an empty database."""
    async with open_repositories() as repositories:
        yield repositories


@pytest.fixture
async def other_repositories(
    open_repositories: OpenRepositories, repositories: Repositories
) -> AsyncIterator[Repositories]:
    """Open the same database again, as another instance of the service does."""
    async with open_repositories() as other_repositories:
        yield other_repositories


@asynccontextmanager
async def down(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    database = InMemoryDatabase()
    async with database.open_repositories() as repositories:
        database.is_unavailable = True
        yield repositories


@asynccontextmanager
async def moved_file(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    path: Path = request.getfixturevalue("tmp_path") / "records.db"
    async with open_sqlite_repositories(path, FakePhoneEncryption()) as repositories:
        await asyncio.to_thread(path.rename, path.with_name("moved.db"))
        yield repositories


@asynccontextmanager
async def closed(
    request: pytest.FixtureRequest, adapter: Callable[[pytest.FixtureRequest], OpenRepositories]
) -> AsyncIterator[Repositories]:
    async with adapter(request)() as repositories:
        pass
    yield repositories


UNUSABLE: dict[str, OpenUnusable] = {
    f"closed_{adapter.__name__}": partial(closed, adapter=adapter)
    for adapter in ADAPTERS
    if adapter is not in_memory
}
if not external_adapter.is_given():
    UNUSABLE |= {"down": down, "moved_file": moved_file}


@pytest.fixture(params=UNUSABLE)
async def unusable_repositories(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    """Return the repositories of a database that cannot be used."""
    async with UNUSABLE[request.param](request) as repositories:
        yield repositories

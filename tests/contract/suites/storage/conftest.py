"""The database, or the limit store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from adapters.databases.records.database import Database
from tests.contract.suites.external_adapter import (
    OpenDatabase,
    is_limit_store,
    make_phone_encryption,
    open_external_database,
)
from tests.contract.suites.provider_driver import set_provider
from tests.contract.suites.storage.outages import OutageInstances, open_instances


@pytest.fixture
def open_database(tmp_path: Path) -> OpenDatabase:
    """Return a function that opens the database, which is empty at first."""
    return partial(open_external_database, tmp_path)


@pytest.fixture
def open_with_other_keys(tmp_path: Path) -> OpenDatabase:
    """Return a function that opens the same database with the encryption of another service."""
    other = make_phone_encryption(index_key=bytes(range(32)))
    return partial(open_external_database, tmp_path, other)


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
async def outage_instances(open_database: OpenDatabase) -> AsyncIterator[OutageInstances]:
    """Open the database twice. The methods of the adapter for tests make the first one fail."""
    async with open_instances(open_database) as instances:
        yield instances


@asynccontextmanager
async def closed(open_database: OpenDatabase) -> AsyncIterator[Database]:
    async with open_database() as database:
        pass
    yield database


@asynccontextmanager
async def without_provider(open_database: OpenDatabase) -> AsyncIterator[Database]:
    async with open_database() as database:
        store = database.limits if is_limit_store() else database.records
        await set_provider(store, "away")
        yield database


@pytest.fixture(params=[closed, without_provider], ids=lambda make: make.__name__)
async def unusable_database(
    request: pytest.FixtureRequest, open_database: OpenDatabase
) -> AsyncIterator[Database]:
    """Return a database that cannot be used."""
    make: Callable[[OpenDatabase], AbstractAsyncContextManager[Database]] = request.param
    async with make(open_database) as database:
        yield database

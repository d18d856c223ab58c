"""The adapters that each promise of the record ports is put to.

An adapter from outside takes their place when one is given.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from tests.contract import outside
from tests.contract.mongo_records import in_mongo
from tests.support.fakes.records import InMemoryDatabase
from tests.support.fakes.seal import FakeSeal

OpenRecords = Callable[[], AbstractAsyncContextManager[Repositories]]


def in_memory(request: pytest.FixtureRequest) -> OpenRecords:
    return InMemoryDatabase().opened


def in_sqlite(request: pytest.FixtureRequest) -> OpenRecords:
    place: Path = request.getfixturevalue("tmp_path")
    return lambda: open_sqlite_repositories(place / "records.db", FakeSeal())


def from_outside(request: pytest.FixtureRequest) -> OpenRecords:
    place: Path = request.getfixturevalue("tmp_path")
    return lambda: outside.open_outside(place)


ADAPTERS: list[Callable[[pytest.FixtureRequest], OpenRecords]] = (
    [from_outside] if outside.is_given() else [in_memory, in_sqlite, in_mongo]
)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def open_records(request: pytest.FixtureRequest) -> OpenRecords:
    """Opens one database, empty at first, as often as it is called."""
    opening: OpenRecords = request.param(request)
    return opening


@pytest.fixture
async def records(open_records: OpenRecords) -> AsyncIterator[Repositories]:
    """An empty database, opened."""
    async with open_records() as records:
        yield records


@pytest.fixture
async def records_elsewhere(
    open_records: OpenRecords, records: Repositories
) -> AsyncIterator[Repositories]:
    """The same database, opened once more, as another instance of the service does."""
    async with open_records() as elsewhere:
        yield elsewhere

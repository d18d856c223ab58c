"""The adapters that each promise of the record ports is put to.

An adapter from outside takes their place when DIALTONE_TEST_ADAPTER names its factory
(`package.module:factory`). The factory gets the environment, with DIALTONE_TEST_PLACE in it:
for each new place an empty database, for the same place the same one, opened as often as
asked.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from pkgutil import resolve_name

import pytest

from adapters.sqlite import open_sqlite_records
from application.ports.records import Records
from tests.fakes.records import InMemoryDatabase
from tests.fakes.seal import FakeSeal

OpenRecords = Callable[[], AbstractAsyncContextManager[Records]]


def in_memory(request: pytest.FixtureRequest) -> OpenRecords:
    return InMemoryDatabase().opened


def in_sqlite(request: pytest.FixtureRequest) -> OpenRecords:
    place: Path = request.getfixturevalue("tmp_path")
    return lambda: open_sqlite_records(place / "records.db", FakeSeal())


def in_another(request: pytest.FixtureRequest) -> OpenRecords:
    factory = resolve_name(os.environ["DIALTONE_TEST_ADAPTER"])
    place = str(request.getfixturevalue("tmp_path"))
    return lambda: factory({**os.environ, "DIALTONE_TEST_PLACE": place})


ADAPTERS: list[Callable[[pytest.FixtureRequest], OpenRecords]] = (
    [in_another] if "DIALTONE_TEST_ADAPTER" in os.environ else [in_memory, in_sqlite]
)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def open_records(request: pytest.FixtureRequest) -> OpenRecords:
    """Opens one database, empty at first, as often as it is called."""
    opening: OpenRecords = request.param(request)
    return opening


@pytest.fixture
async def records(open_records: OpenRecords) -> AsyncIterator[Records]:
    """An empty database, opened."""
    async with open_records() as records:
        yield records


@pytest.fixture
async def records_elsewhere(open_records: OpenRecords, records: Records) -> AsyncIterator[Records]:
    """The same database, opened once more, as another instance of the service does."""
    async with open_records() as elsewhere:
        yield elsewhere

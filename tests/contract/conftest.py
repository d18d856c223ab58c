"""The databases that the contract suites of records, limits and repositories run on.

An external adapter replaces them, if one is given.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from adapters.records.database import Database
from adapters.records.repositories import make_repositories
from adapters.sqlite import open_sqlite_database
from application.ports.repositories import Repositories
from tests.contract import external_adapter
from tests.contract.adapter_watch import find_left_open, list_open
from tests.contract.mongo_database import in_mongo
from tests.contract.postgres_database import in_postgres
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
OpenUnusable = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Database]]
OF_TEST_METHOD: Final = "of_test_method"
KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()


def in_memory(request: pytest.FixtureRequest) -> OpenDatabase:
    return InMemoryDatabase().open_database


def in_sqlite(request: pytest.FixtureRequest) -> OpenDatabase:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: open_sqlite_database(folder / "records.db", KEY_FINGERPRINT)


def external(request: pytest.FixtureRequest) -> OpenDatabase:
    folder: Path = request.getfixturevalue("tmp_path")
    records = InMemoryDatabase().records
    return lambda: external_adapter.open_external_database(folder, records)


ADAPTERS: Final[list[Callable[[pytest.FixtureRequest], OpenDatabase]]] = (
    [external] if external_adapter.is_given() else [in_memory, in_sqlite, in_mongo, in_postgres]
)


@pytest.fixture(autouse=external_adapter.is_given())
async def nothing_left_open() -> AsyncIterator[None]:
    """Fail if an external adapter leaves something open.

    It begins before the adapter is opened, and ends after it is closed.
    """
    before = list_open()
    yield
    if left := await find_left_open(before):
        pytest.fail(f"The adapter left open: {', '.join(left)}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the reports of methods that only tests call."""
    report = yield
    if call.excinfo and call.excinfo.errisinstance(external_adapter.TestMethodFailed):
        report.user_properties.append((OF_TEST_METHOD, True))
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count a failure of such a method as an error of the test, not as a failed test."""
    if any(name == OF_TEST_METHOD for name, _ in report.user_properties):
        return "error", "E", "ERROR"
    return None


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


@asynccontextmanager
async def without_provider(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    async with external(request)() as database:
        store = database.limits if external_adapter.is_limit_store() else database.records
        await external_adapter.call_test_method(store, "break_provider")
        yield database


UNUSABLE: dict[str, OpenUnusable] = {
    f"closed_{adapter.__name__}": partial(closed, adapter=adapter)
    for adapter in ADAPTERS
    if adapter is not in_memory
}
if external_adapter.is_given():
    UNUSABLE |= {"without_provider": without_provider}
else:
    UNUSABLE |= {"down": down, "moved_file": moved_file}


@pytest.fixture(params=UNUSABLE)
async def unusable_database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Return a database that cannot be used."""
    async with UNUSABLE[request.param](request) as database:
        yield database

"""Our databases, which the contract suites of records, limits and repositories run on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from adapters.databases.records.database import Database
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.repositories import make_repositories
from adapters.databases.sqlite import open_sqlite_database
from entrypoints.composition.features import KINDS
from tests.contract.mongo_database import in_mongo
from tests.contract.outages import OUTAGES
from tests.contract.postgres_database import in_postgres
from tests.contract.suites.external_adapter import OpenDatabase
from tests.contract.suites.storage import outages
from tests.contract.suites.storage.outages import A_LIMIT
from tests.contract.suites.time_zone import west_of_utc  # noqa: F401 -- each test uses it
from tests.support.builders import NOW
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import OpenRepositories, with_stores

Instances = tuple[Database, Database]
"""The same database, open twice."""
OpenUnusable = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Database]]
KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
_FOLDER: Final = Path(__file__).parent
_DELETIONS: Final = [f"DELETE FROM {kind.name}" for kind in (*KINDS, LIMITS)]  # noqa: S608
_EMPTY: Final = "; ".join(["BEGIN", *_DELETIONS, "COMMIT"])


def in_memory(request: pytest.FixtureRequest) -> OpenDatabase:
    return InMemoryDatabase().open_database


def in_sqlite(request: pytest.FixtureRequest) -> OpenDatabase:
    folder: Path = request.getfixturevalue("tmp_path")
    return partial(open_sqlite_database, folder / "records.db", KEY_FINGERPRINT)


def empty_sqlite_database(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_EMPTY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of open databases in one event loop: an open database belongs to one."""
    for item in items:
        if item.path.parent == _FOLDER and "instances" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


ADAPTERS: Final[list[Callable[[pytest.FixtureRequest], OpenDatabase]]] = [
    in_memory,
    in_sqlite,
    in_mongo,
    in_postgres,
]


IN_MEMORY_FIRST: Final = pytest.mark.parametrize(
    "instances",
    [in_memory, *(pytest.param(each, marks=pytest.mark.slow) for each in ADAPTERS[1:])],
    indirect=True,
    ids=lambda adapter: adapter.__name__,
)
"""For repositories: the suites of records prove on each database what these ask of it."""


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Return a function that opens a database, which is empty at first. It may be open twice."""
    open_database: OpenDatabase = request.param(request)
    return open_database


# To open a database takes longer than most tests. So each of ours is opened once for all tests, as
# two instances of the service open it, and is emptied before each test.


@pytest_asyncio.fixture(loop_scope="session")
async def instances_in_memory() -> AsyncIterator[Instances]:
    async with _open_twice(InMemoryDatabase().open_database) as instances:
        yield instances


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def instances_in_sqlite(sqlite_path: Path) -> AsyncIterator[Instances]:
    async with _open_twice(
        partial(open_sqlite_database, sqlite_path, KEY_FINGERPRINT)
    ) as instances:
        yield instances


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def instances_in_mongo(request: pytest.FixtureRequest) -> AsyncIterator[Instances]:
    async with _open_twice(in_mongo(request)) as instances:
        yield instances


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def instances_in_postgres(request: pytest.FixtureRequest) -> AsyncIterator[Instances]:
    async with _open_twice(in_postgres(request)) as instances:
        yield instances


@asynccontextmanager
async def _open_twice(open_database: OpenDatabase) -> AsyncIterator[Instances]:
    async with open_database() as database, open_database() as other_database:
        yield database, other_database


@pytest.fixture(scope="session")
def sqlite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the file that all tests share."""
    return tmp_path_factory.mktemp("sqlite") / "records.db"


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def instances(request: pytest.FixtureRequest) -> Instances:
    """Return a database that is empty, as two instances of the service have opened it."""
    adapter = request.param
    instances: Instances = request.getfixturevalue(f"instances_{adapter.__name__}")
    if adapter is in_sqlite:
        empty_sqlite_database(request.getfixturevalue("sqlite_path"))
    else:
        adapter(request)
    return instances


@pytest_asyncio.fixture(loop_scope="session")
async def database(instances: Instances) -> AsyncIterator[Database]:
    """Return an empty database."""
    yield instances[0]
    # What a cancelled caller left comes first: a batch of limits, or a write of SQLite's writer.
    for instance in instances:
        await instance.limits.release([A_LIMIT], NOW)
        await instance.limits.acquire([A_LIMIT], NOW)
        await instance.health.check()


@pytest.fixture
def other_database(instances: Instances, database: Database) -> Database:
    """Return the same database, as another instance of the service has opened it."""
    return instances[1]


@pytest.fixture
def repositories(database: Database) -> OpenRepositories:
    """Return the repositories over the database."""
    return with_stores(make_repositories(database, FakePhoneEncryption()), database)


@pytest.fixture
def other_repositories(other_database: Database) -> OpenRepositories:
    """Return the repositories of another instance."""
    return with_stores(make_repositories(other_database, FakePhoneEncryption()), other_database)


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


@pytest.fixture(params=OUTAGES, ids=lambda open_instances: open_instances.__name__)
async def outage_instances(
    request: pytest.FixtureRequest,
) -> AsyncIterator[outages.OutageInstances]:
    """Return a database that is open twice. Its server breaks, hangs and is mended for one."""
    async with request.param(request) as instances:
        yield instances


@pytest.fixture(params=UNUSABLE)
async def unusable_database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Return a database that cannot be used."""
    async with UNUSABLE[request.param](request) as database:
        yield database

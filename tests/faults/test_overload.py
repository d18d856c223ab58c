"""More calls than a database has connections for: overload, or a server that has stopped.

No assertion depends on time: while a server works, its last answer counts for a minute, and while
it is stopped, for no time.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pytest

from adapters.databases.mongo.database import connect
from adapters.databases.postgres.database import open_pool
from adapters.databases.postgres.url import parse_url
from adapters.databases.records import call_deadlines
from adapters.databases.records.store_calls import CircuitBreaker
from application.ports.errors import StorageError, StorageOverloaded
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess

T = TypeVar("T")

CONNECTIONS: Final = 2
SECONDS: Final = 0.3
"""How long the server takes for a call."""
CALLS: Final = 120
"""So many that they wait longer than any timeout here."""


@dataclass(frozen=True, slots=True)
class SlowDatabase:
    """A database with few connections, whose calls all take some time."""

    process: MongoProcess | PostgresProcess
    call: Callable[[], Awaitable[object]]


@asynccontextmanager
async def open_mongo(
    process: MongoProcess | PostgresProcess, seconds: int
) -> AsyncIterator[SlowDatabase]:
    url = (
        f"mongodb://{process.address}/overload?directConnection=true"
        f"&maxPoolSize={CONNECTIONS}&timeoutMS={seconds * 1000}"
    )
    async with connect(url, "overload") as database:
        collection = database.motor["calls"]
        await database.run(lambda: collection.insert_one({}))
        sleep = {"$where": f"sleep({SECONDS * 1000}) || true"}
        yield SlowDatabase(
            process, lambda: database.run(lambda: collection.find(sleep).to_list(None))
        )


@asynccontextmanager
async def open_postgres(
    process: MongoProcess | PostgresProcess, seconds: int
) -> AsyncIterator[SlowDatabase]:
    assert isinstance(process, PostgresProcess)
    url = process.server.database_url("postgres")
    async with open_pool(parse_url(f"{url}?pool_size={CONNECTIONS}&timeout={seconds}")) as database:
        yield SlowDatabase(process, lambda: database.read(f"SELECT pg_sleep({SECONDS})"))


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and how its database is opened."""

    process: MongoProcess | PostgresProcess
    open_database: Callable[
        [MongoProcess | PostgresProcess, int], AbstractAsyncContextManager[SlowDatabase]
    ]


@pytest.fixture(scope="module", params=["mongo", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("overload")
    if request.param == "mongo":
        with MongoProcess(folder / "mongo") as mongo:
            yield Server(mongo, open_mongo)
    else:
        with PostgresProcess(folder / "postgres") as postgres:
            yield Server(postgres, open_postgres)


@pytest.fixture
async def database(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[SlowDatabase]:
    """Return the database, with the timeout that the test names."""
    async with server.open_database(server.process, request.param) as database:
        try:
            yield database
        finally:
            server.process.resume()


@pytest.fixture
async def breaker(database: SlowDatabase) -> AsyncIterator[CircuitBreaker]:
    breaker = CircuitBreaker(database.call, "database", "reads")
    yield breaker
    breaker.stop()


async def call_many(breaker: CircuitBreaker, database: SlowDatabase) -> list[type | None]:
    """Make four times as many calls as the server answers, and return the class of each error."""

    async def call(number: int) -> type | None:
        # They arrive also when a connection is given from one call to the next.
        await asyncio.sleep(number * SECONDS / CONNECTIONS / 4)
        try:
            await breaker.call(database.call)
        except StorageError as error:
            return type(error)
        return None

    return await asyncio.gather(*(call(number) for number in range(CALLS)))


@pytest.mark.parametrize("database", [10], indirect=True)
async def test_calls_that_wait_for_a_slow_server_are_overload_and_the_next_call_is_made(
    database: SlowDatabase,
    breaker: CircuitBreaker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(call_deadlines, "MAX_SILENCE", 60)

    errors = await call_many(breaker, database)

    # Those that were sent had the rest of the timeout.
    assert {*errors} == {None, StorageOverloaded}
    await breaker.call(database.call)
    assert "database_unavailable" not in caplog.text


@pytest.mark.parametrize("database", [3], indirect=True)
async def test_calls_that_wait_for_a_stopped_server_are_its_failure(
    database: SlowDatabase,
    breaker: CircuitBreaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call_deadlines, "MAX_SILENCE", -math.inf)
    await breaker.call(database.call)
    database.process.pause()

    errors = await call_many(breaker, database)

    assert None not in errors
    assert StorageOverloaded not in errors
    with pytest.raises(StorageError, match="did not answer the last calls"):
        await breaker.call(database.call)
    database.process.resume()
    while True:  # its checks find out
        try:
            await breaker.call(database.call)
        except StorageError:
            await asyncio.sleep(0.1)  # between two calls that fail at once
        else:
            break

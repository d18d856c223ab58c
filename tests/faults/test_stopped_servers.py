"""A database that stops or is slow: every call fails in bounded time, and succeeds afterwards.

No assertion measures how long that takes: a call that hangs is ended by the time limit of the test
run, which is far above all timeouts here. While a server works, its last answer counts for a
minute in a test of overload; while it is stopped, for no time.
"""

import asyncio
import math
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest

from adapters.databases.mongo.database import connect
from adapters.databases.postgres.database import open_pool
from adapters.databases.postgres.url import parse_url
from adapters.databases.records import call_deadlines
from adapters.databases.records.batches import MAX_BATCH_SIZE
from adapters.databases.records.kinds import IDENTITIES
from adapters.databases.records.store_calls import CircuitBreaker
from application.ports.administration import AuditFilter
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from application.ports.errors import (
    ConfigurationError,
    StorageError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)
from application.ports.repositories import Repositories
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW, an_id, an_identity
from tests.support.repositories import (
    OpenRepositories,
    open_mongo_repositories,
    open_postgres_repositories,
    wait_until_healthy,
)
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess

LIMIT: Final = RateLimit(
    "total", LimitPurpose.DELIVERIES, "requests", SlidingWindow(9, timedelta(hours=1))
)
RESERVATION: Final = Reservation(NOW, (LIMIT,))
CONNECTIONS: Final = 2
"""Those of the slow database."""
SECONDS: Final = 0.3
"""How long it takes for a call."""
CALLS: Final = 120
"""So many that they wait longer than any timeout here."""
Call = Callable[[], Awaitable[object]]


class Mongo(MongoProcess):
    no_server = "has no server that accepts writes"
    open_repositories = staticmethod(open_mongo_repositories)

    async def create_database(self) -> str:
        """Create a database, and return its URL with a short timeout."""
        url = f"mongodb://{self.address}/stopped_{uuid.uuid4().hex}?directConnection=true"
        # To create one may take longer than the timeout.
        async with open_mongo_repositories(url):
            return f"{url}&timeoutMS=2500"

    @asynccontextmanager
    async def open_slow(self, seconds: int) -> AsyncIterator[Call]:
        """Yield a call of the slow database."""
        options = f"maxPoolSize={CONNECTIONS}&timeoutMS={seconds * 1000}"
        url = f"mongodb://{self.address}/overload?directConnection=true&{options}"
        async with connect(url, "overload") as database:
            collection = database.motor["calls"]
            await database.run(lambda: collection.insert_one({}))
            sleep = {"$where": f"sleep({SECONDS * 1000}) || true"}
            yield lambda: database.run(lambda: collection.find(sleep).to_list(None))


class Postgres(PostgresProcess):
    no_server = "has no server that responds"
    open_repositories = staticmethod(open_postgres_repositories)

    async def create_database(self) -> str:
        """Create a database, and return its URL with a short timeout and a small pool."""
        name = f"stopped_{uuid.uuid4().hex}"
        self.server.execute(f"CREATE DATABASE {name}")
        return f"{self.server.database_url(name)}?timeout=2.5&pool_size=4"

    @asynccontextmanager
    async def open_slow(self, seconds: int) -> AsyncIterator[Call]:
        """Yield a call of the slow database."""
        url = f"{self.server.url}?pool_size={CONNECTIONS}&timeout={seconds}"
        async with open_pool(parse_url(url)) as database:
            yield lambda: database.read(f"SELECT pg_sleep({SECONDS})")


@pytest.fixture(scope="module", params=[Mongo, Postgres], ids=["mongo", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mongo | Postgres]:
    with request.param(tmp_path_factory.mktemp("stopped") / "server") as server:
        yield server


only_postgres = pytest.mark.parametrize("server", [Postgres], indirect=True, ids=["postgres"])


@pytest.fixture(autouse=True)
def no_recent_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an answer before the server stopped be long ago: the timeouts are below a second."""
    monkeypatch.setattr(call_deadlines, "MAX_SILENCE", -math.inf)


@pytest.fixture
async def url(server: Mongo | Postgres) -> str:
    """The URL of a new database."""
    return await server.create_database()


@pytest.fixture
async def repositories(server: Mongo | Postgres, url: str) -> AsyncIterator[OpenRepositories]:
    async with server.open_repositories(url) as repositories:
        await repositories.identities.add(an_identity())
        try:
            yield repositories
        finally:
            server.resume()


async def load_version(repositories: Repositories) -> int:
    """Load the identity, and return its version."""
    loaded = await repositories.identities.load(an_id())
    assert loaded is not None
    assert loaded.value == an_identity()
    return loaded.version


async def test_calls_fail_in_bounded_time_and_the_next_succeed(
    server: Mongo | Postgres, repositories: OpenRepositories
) -> None:
    limits = repositories.stores.limits
    calls: list[Call] = [
        lambda: repositories.identities.load(an_id()),
        lambda: repositories.identities.replace(an_identity(), 99),
        lambda: limits.acquire(RESERVATION),
        lambda: limits.release(Acquisition(NOW, RESERVATION.limits)),
    ]
    # One after the other: of several at once some find no connection, and are not sent.
    for call in calls:
        server.pause()
        with pytest.raises(StorageTimeout) as raised:
            await call()

        assert raised.value.__cause__ is None
        server.resume()
        await wait_until_healthy(repositories)
        assert await load_version(repositories) > 0


async def test_many_waiting_calls_fail_together(
    server: Mongo | Postgres, repositories: OpenRepositories
) -> None:
    server.pause()
    calls = [
        *(repositories.identities.load(an_id(number)) for number in range(10 * MAX_BATCH_SIZE)),
        *(repositories.identities.replace(an_identity(), 99) for _ in range(100)),
        *(repositories.audit_log.list_after(AuditFilter(), None, 10) for _ in range(100)),
        *(repositories.stores.limits.acquire(RESERVATION) for _ in range(100)),
    ]

    results = await asyncio.gather(*calls, return_exceptions=True)

    # Some time out at the server, the others while they wait for a connection.
    assert all(isinstance(result, StorageError) for result in results)
    server.resume()
    await wait_until_healthy(repositories)
    assert await load_version(repositories) > 0


async def test_calls_of_a_request_that_fail_have_one_timeout_together(
    server: Mongo | Postgres, repositories: OpenRepositories
) -> None:
    request = CURRENT_REQUEST.set(CurrentRequest({}, asyncio.get_running_loop().time()))
    server.pause()
    with pytest.raises(StorageTimeout):
        await repositories.identities.load(an_id())

    # They are not sent.
    with pytest.raises(StorageUnavailable):
        await repositories.identities.replace(an_identity(), 1)
    with pytest.raises(StorageUnavailable):
        await repositories.identities.load(an_id())

    server.resume()
    CURRENT_REQUEST.reset(request)
    await wait_until_healthy(repositories)
    assert await load_version(repositories) > 0


async def test_a_frozen_server_is_an_error_at_the_start_and_delays_no_end(
    server: Mongo | Postgres, url: str
) -> None:
    try:
        async with server.open_repositories(url) as repositories:
            await repositories.identities.load(an_id())
            server.pause()
        with pytest.raises(ConfigurationError, match=server.no_server):
            async with server.open_repositories(url):
                pytest.fail("it was opened")
    finally:
        server.resume()


async def test_a_killed_server_is_found_again_with_all_acknowledged_writes(
    server: Mongo | Postgres, repositories: OpenRepositories
) -> None:
    version = await load_version(repositories)
    for _ in range(50):
        assert await repositories.identities.replace(an_identity(), version)
        version += 1
    server.kill()
    with pytest.raises(StorageUnavailable):
        await repositories.identities.load(an_id())

    server.start()
    await wait_until_healthy(repositories)

    assert await load_version(repositories) == version
    assert await repositories.identities.replace(an_identity(), version)


# The pool of PostgreSQL


@only_postgres
async def test_the_reason_is_the_lost_server_and_not_the_number_of_calls(
    server: Postgres, repositories: OpenRepositories
) -> None:
    server.stop()
    try:
        with pytest.raises(StorageUnavailable) as raised:
            await load_version(repositories)
        assert raised.value.reason == "there is no connection to a server that accepts writes"
        assert "ECONNREFUSED" in str(raised.value)
    finally:
        server.start()


@only_postgres
async def test_a_full_pool_is_an_error_in_bounded_time_and_sends_nothing(
    server: Postgres, url: str
) -> None:
    async with open_postgres_repositories(url.replace("pool_size=4", "pool_size=1")) as one:
        await one.identities.add(an_identity())
        server.pause()
        # These do not go out together.
        records = one.stores.records
        calls = [records.delete(IDENTITIES, an_identity().id, 1) for _ in range(5)]

        results = await asyncio.gather(*calls, return_exceptions=True)

        server.resume()
        types = [type(result) for result in results]
        assert types.count(StorageTimeout) == 1
        assert types.count(StorageUnavailable) == 4
        await wait_until_healthy(one)


@only_postgres
async def test_a_caller_who_is_cancelled_while_the_server_is_frozen_affects_no_other(
    server: Postgres, repositories: OpenRepositories
) -> None:
    server.pause()
    calls = [
        asyncio.create_task(repositories.identities.replace(an_identity(), 99)) for _ in range(4)
    ]
    # The statements have been sent by then, and are not answered.
    await asyncio.sleep(0.1)
    for call in calls:
        call.cancel()
    server.resume()
    await asyncio.gather(*calls, return_exceptions=True)

    await wait_until_healthy(repositories)
    assert await load_version(repositories) == 1


@only_postgres
async def test_a_restarted_server_costs_no_call(
    server: Postgres, repositories: OpenRepositories
) -> None:
    await asyncio.gather(*(repositories.leases.acquire(str(n), NOW, NOW) for n in range(9)))
    server.stop()
    server.start()

    assert await load_version(repositories) == 1
    assert await repositories.identities.replace(an_identity(), 1)


async def replace_until_it_fails(repositories: OpenRepositories) -> None:
    while True:  # The server reads its settings a moment after it was told to.
        await repositories.identities.replace(an_identity(), 99)


@only_postgres
async def test_a_primary_that_becomes_read_only_is_left(
    server: Postgres, repositories: OpenRepositories
) -> None:
    set_read_only = "ALTER SYSTEM SET default_transaction_read_only = {}"
    reload = "SELECT pg_reload_conf()"
    server.server.execute(set_read_only.format("on"), reload)
    try:
        with pytest.raises(StorageUnavailable):
            await replace_until_it_fails(repositories)
        with pytest.raises(StorageUnavailable):
            await repositories.health.check()
    finally:
        server.server.execute(
            "SET default_transaction_read_only = off", set_read_only.format("off"), reload
        )

    await wait_until_healthy(repositories)
    assert await load_version(repositories) == 1


# More calls than there are connections for


@pytest.fixture
async def call(request: pytest.FixtureRequest, server: Mongo | Postgres) -> AsyncIterator[Call]:
    """Return a call of the slow database, with the timeout that the test names."""
    async with server.open_slow(request.param) as call:
        try:
            yield call
        finally:
            server.resume()


@pytest.fixture
async def breaker(call: Call) -> AsyncIterator[CircuitBreaker]:
    breaker = CircuitBreaker(call, "database", "reads")
    yield breaker
    breaker.stop()


async def call_many(breaker: CircuitBreaker, call: Call) -> list[type | None]:
    """Make four times as many calls as the server answers, and return the class of each error."""

    async def call_later(number: int) -> type | None:
        # They arrive also when a connection is given from one call to the next.
        await asyncio.sleep(number * SECONDS / CONNECTIONS / 4)
        try:
            await breaker.call(call)
        except StorageError as error:
            return type(error)
        return None

    return await asyncio.gather(*(call_later(number) for number in range(CALLS)))


@pytest.mark.parametrize("call", [10], indirect=True)
async def test_calls_that_wait_for_a_slow_server_are_overload_and_the_next_call_is_made(
    call: Call,
    breaker: CircuitBreaker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(call_deadlines, "MAX_SILENCE", 60)

    errors = await call_many(breaker, call)

    # Those that were sent had the rest of the timeout.
    assert {*errors} == {None, StorageOverloaded}
    await breaker.call(call)
    assert "database_unavailable" not in caplog.text


@pytest.mark.parametrize("call", [3], indirect=True)
async def test_calls_that_wait_for_a_stopped_server_are_its_failure(
    server: Mongo | Postgres, call: Call, breaker: CircuitBreaker
) -> None:
    await breaker.call(call)
    server.pause()

    errors = await call_many(breaker, call)

    assert None not in errors
    assert StorageOverloaded not in errors
    with pytest.raises(StorageError, match="did not answer the last calls"):
        await breaker.call(call)
    server.resume()
    while True:  # its checks find out
        try:
            await breaker.call(call)
        except StorageError:
            await asyncio.sleep(0.1)  # between two calls that fail at once
        else:
            break

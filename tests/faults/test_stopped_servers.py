"""A server that does not respond: every call fails in bounded time, and succeeds afterwards.

No assertion measures how long that takes: a call that hangs is ended by the time limit of the test
run, which is far above all timeouts here.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final

import pytest

from adapters.databases.records import call_deadlines
from adapters.databases.records.batches import MAX_BATCH_SIZE
from application.ports.administration import AuditFilter
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from application.ports.errors import (
    ConfigurationError,
    StorageError,
    StorageTimeout,
    StorageUnavailable,
)
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.faults.stopped_servers import (
    DatabaseServer,
    load_version,
    run_mongo,
    run_postgres,
    wait_until_healthy,
)
from tests.support.builders import NOW, an_id, an_identity
from tests.support.repositories import OpenRepositories

LIMIT: Final = RateLimit(
    "total", LimitPurpose.DELIVERIES, "requests", SlidingWindow(9, timedelta(hours=1))
)
RESERVATION: Final = Reservation(NOW, (LIMIT,))
CALLS: Final[dict[str, Callable[[OpenRepositories], Awaitable[object]]]] = {
    "load": lambda db: db.identities.load(an_id()),
    "replace": lambda db: db.identities.replace(an_identity(), 99),
    "acquire": lambda db: db.stores.limits.acquire(RESERVATION),
    "release": lambda db: db.stores.limits.release(Acquisition(NOW, RESERVATION.limits)),
}


@pytest.fixture(scope="module", params=[run_mongo, run_postgres], ids=["mongo", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    with request.param(tmp_path_factory.mktemp("stopped")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_recent_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an answer before the server stopped be long ago: the timeouts are below a second."""
    monkeypatch.setattr(call_deadlines, "MAX_SILENCE", -math.inf)


@pytest.fixture
async def url(server: DatabaseServer) -> str:
    """The URL of a new database."""
    return await server.create_database()


@pytest.fixture
async def repositories(server: DatabaseServer, url: str) -> AsyncIterator[OpenRepositories]:
    async with server.open_repositories(url) as repositories:
        await repositories.identities.add(an_identity())
        try:
            yield repositories
        finally:
            server.process.resume()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_call_fails_in_bounded_time_and_the_next_succeeds(
    server: DatabaseServer,
    repositories: OpenRepositories,
    call: Callable[[OpenRepositories], Awaitable[object]],
) -> None:
    server.process.pause()
    with pytest.raises(StorageTimeout) as raised:
        await call(repositories)

    assert raised.value.__cause__ is None
    server.process.resume()
    await wait_until_healthy(repositories)
    assert await load_version(repositories) > 0


async def test_many_waiting_calls_fail_together(
    server: DatabaseServer, repositories: OpenRepositories
) -> None:
    server.process.pause()
    calls = [
        *(repositories.identities.load(an_id(number)) for number in range(10 * MAX_BATCH_SIZE)),
        *(repositories.identities.replace(an_identity(), 99) for _ in range(100)),
        *(repositories.audit_log.list_after(AuditFilter(), None, 10) for _ in range(100)),
        *(repositories.stores.limits.acquire(RESERVATION) for _ in range(100)),
    ]

    results = await asyncio.gather(*calls, return_exceptions=True)

    # Some time out at the server, the others while they wait for a connection.
    assert all(isinstance(result, StorageError) for result in results)
    server.process.resume()
    await wait_until_healthy(repositories)
    assert await load_version(repositories) > 0


async def test_calls_of_a_request_that_fail_have_one_timeout_together(
    server: DatabaseServer, repositories: OpenRepositories
) -> None:
    request = CURRENT_REQUEST.set(CurrentRequest({}, asyncio.get_running_loop().time()))
    server.process.pause()
    with pytest.raises(StorageTimeout):
        await repositories.identities.load(an_id())

    # They are not sent.
    with pytest.raises(StorageUnavailable):
        await repositories.identities.replace(an_identity(), 1)
    with pytest.raises(StorageUnavailable):
        await repositories.identities.load(an_id())

    server.process.resume()
    CURRENT_REQUEST.reset(request)
    await wait_until_healthy(repositories)
    assert await load_version(repositories) > 0


async def test_repositories_can_be_closed_while_the_server_is_frozen(
    server: DatabaseServer, url: str
) -> None:
    async with server.open_repositories(url) as repositories:
        await repositories.identities.load(an_id())
        server.process.pause()
    server.process.resume()


async def test_a_frozen_server_is_an_error_at_the_start(server: DatabaseServer, url: str) -> None:
    server.process.pause()
    try:
        with pytest.raises(ConfigurationError, match=server.no_server):
            async with server.open_repositories(url):
                pytest.fail("it was opened")
    finally:
        server.process.resume()


async def test_a_killed_server_is_found_again_with_all_acknowledged_writes(
    server: DatabaseServer, repositories: OpenRepositories
) -> None:
    version = await load_version(repositories)
    for _ in range(50):
        assert await repositories.identities.replace(an_identity(), version)
        version += 1
    server.process.kill()
    with pytest.raises(StorageUnavailable):
        await repositories.identities.load(an_id())

    server.process.start()
    await wait_until_healthy(repositories)

    assert await load_version(repositories) == version
    assert await repositories.identities.replace(an_identity(), version)

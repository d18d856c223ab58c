"""The pool of connections to a PostgreSQL that stops, or becomes read-only.

`test_stopped_servers` has what is the same for MongoDB.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.databases.records import call_deadlines
from adapters.databases.records.kinds import IDENTITIES
from application.ports.errors import (
    StorageTimeout,
    StorageUnavailable,
)
from tests.faults.stopped_servers import (
    create_postgres_database,
    load_version,
    wait_until_healthy,
)
from tests.support.builders import NOW, an_identity
from tests.support.repositories import OpenRepositories, open_postgres_repositories
from tests.support.servers.postgres import PostgresProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    folder: Path = tmp_path_factory.mktemp("stopped")
    with PostgresProcess(folder / "postgres") as process:
        yield process


@pytest.fixture(autouse=True)
def no_recent_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an answer before the server stopped be long ago: the timeouts are below a second."""
    monkeypatch.setattr(call_deadlines, "MAX_SILENCE", -math.inf)


@pytest.fixture
def url(process: PostgresProcess) -> str:
    """The URL of a new database."""
    return create_postgres_database(process)


@pytest.fixture
async def repositories(process: PostgresProcess, url: str) -> AsyncIterator[OpenRepositories]:
    async with open_postgres_repositories(url) as repositories:
        await repositories.identities.add(an_identity())
        try:
            yield repositories
        finally:
            process.resume()


async def test_the_reason_is_the_lost_server_and_not_the_number_of_calls(
    process: PostgresProcess, repositories: OpenRepositories
) -> None:
    process.stop()
    try:
        with pytest.raises(StorageUnavailable) as raised:
            await load_version(repositories)
        assert raised.value.reason == "there is no connection to a server that accepts writes"
        assert "ECONNREFUSED" in str(raised.value)
    finally:
        process.start()


async def test_a_full_pool_is_an_error_in_bounded_time_and_sends_nothing(
    process: PostgresProcess, url: str
) -> None:
    async with open_postgres_repositories(url.replace("pool_size=4", "pool_size=1")) as one:
        await one.identities.add(an_identity())
        process.pause()
        # These do not go out together.
        records = one.stores.records
        calls = [records.delete(IDENTITIES, an_identity().id, 1) for _ in range(5)]

        results = await asyncio.gather(*calls, return_exceptions=True)

        process.resume()
        types = [type(result) for result in results]
        assert types.count(StorageTimeout) == 1
        assert types.count(StorageUnavailable) == 4
        await wait_until_healthy(one)


async def test_a_caller_who_is_cancelled_while_the_server_is_frozen_affects_no_other(
    process: PostgresProcess, repositories: OpenRepositories
) -> None:
    process.pause()
    calls = [
        asyncio.create_task(repositories.identities.replace(an_identity(), 99)) for _ in range(4)
    ]
    # The statements have been sent by then, and are not answered.
    await asyncio.sleep(0.1)
    for call in calls:
        call.cancel()
    process.resume()
    await asyncio.gather(*calls, return_exceptions=True)

    await wait_until_healthy(repositories)
    assert await load_version(repositories) == 1


async def test_a_restarted_server_costs_no_call(
    process: PostgresProcess, repositories: OpenRepositories
) -> None:
    await asyncio.gather(*(repositories.leases.acquire(str(n), NOW, NOW) for n in range(9)))
    process.stop()
    process.start()

    assert await load_version(repositories) == 1
    assert await repositories.identities.replace(an_identity(), 1)


async def replace_until_it_fails(repositories: OpenRepositories) -> None:
    while True:  # The server reads its settings a moment after it was told to.
        await repositories.identities.replace(an_identity(), 99)


async def test_a_primary_that_becomes_read_only_is_left(
    process: PostgresProcess, repositories: OpenRepositories
) -> None:
    set_read_only = "ALTER SYSTEM SET default_transaction_read_only = {}"
    reload = "SELECT pg_reload_conf()"
    process.server.execute(set_read_only.format("on"), reload)
    try:
        with pytest.raises(StorageUnavailable):
            await replace_until_it_fails(repositories)
        with pytest.raises(StorageUnavailable):
            await repositories.health.check()
    finally:
        process.server.execute(
            "SET default_transaction_read_only = off", set_read_only.format("off"), reload
        )

    await wait_until_healthy(repositories)
    assert await load_version(repositories) == 1

"""A database whose server stops, or becomes read-only: what the contract suites do not prove."""

import asyncio
from pathlib import Path

import pytest

from application.ports.errors import ConfigurationError, StorageUnavailable
from application.ports.repositories import Repositories
from tests.support.builders import NOW, an_id, an_identity
from tests.support.repositories import (
    open_mongo_repositories,
    open_postgres_repositories,
    wait_until_healthy,
)
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess


async def load_version(repositories: Repositories) -> int:
    loaded = await repositories.identities.load(an_id())
    assert loaded is not None
    return loaded.version


async def replace_until_it_fails(repositories: Repositories) -> None:
    while True:  # The server reads its settings a moment after it was told to.
        await repositories.identities.replace(an_identity(), 99)


async def test_a_frozen_mongodb_is_an_error_at_the_start_and_delays_no_end(tmp_path: Path) -> None:
    with MongoProcess(tmp_path / "mongo") as server:
        url = f"mongodb://{server.address}/frozen?directConnection=true&timeoutMS=2500"
        async with open_mongo_repositories(url) as repositories:
            await repositories.identities.load(an_id())
            server.pause()
        with pytest.raises(ConfigurationError, match="has no server that accepts writes"):
            async with open_mongo_repositories(url):
                pytest.fail("it was opened")


async def test_a_postgresql_that_restarts_costs_no_call_and_one_that_is_read_only_is_left(
    tmp_path: Path,
) -> None:
    with PostgresProcess(tmp_path / "postgres") as server:
        url = f"{server.server.url}?timeout=2.5&pool_size=4"
        async with open_postgres_repositories(url) as repositories:
            await repositories.identities.add(an_identity())
            await asyncio.gather(*(repositories.leases.acquire(str(n), NOW, NOW) for n in range(9)))
            server.stop()
            server.start()
            assert await load_version(repositories) == 1

            server.stop()
            with pytest.raises(StorageUnavailable) as raised:
                await load_version(repositories)
            # The reason is not the number of calls.
            assert raised.value.reason == "there is no connection to a server that accepts writes"
            assert "ECONNREFUSED" in str(raised.value)
            server.start()
            await wait_until_healthy(repositories)

            set_read_only = "ALTER SYSTEM SET default_transaction_read_only = {}"
            reload = "SELECT pg_reload_conf()"
            server.server.execute(set_read_only.format("on"), reload)
            with pytest.raises(StorageUnavailable):
                await replace_until_it_fails(repositories)
            with pytest.raises(StorageUnavailable):
                await repositories.health.check()
            writable = "SET default_transaction_read_only = off"
            server.server.execute(writable, set_read_only.format("off"), reload)
            await wait_until_healthy(repositories)
            assert await load_version(repositories) == 1
            server.pause()
        with pytest.raises(ConfigurationError, match="has no server that responds"):
            async with open_postgres_repositories(url):
                pytest.fail("it was opened")

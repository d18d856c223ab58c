"""A part of the service that ends, or is cut off, in the middle of traffic."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.acknowledged import assert_all_is_there
from tests.faults.traffic import BEHIND_A_PROXY, Traffic, client_of, traffic_at
from tests.support.servers.mongo_process import MongoProcess
from tests.support.servers.tcp_proxy import TcpProxy
from tests.support.service import Service, running

BEFORE = 12
AFTER = 16


def workers_of(service: Service) -> list[int]:
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


async def test_a_worker_killed_in_traffic_costs_the_requests_that_it_had(tmp_path: Path) -> None:
    with running(tmp_path, {"DIALTONE_WORKERS": "2", **BEHIND_A_PROXY}) as service:

        def are_two_again() -> bool:
            return len(workers_of(service)) == 2

        async with traffic_at(service, outlives_breaks=True) as traffic:
            for _ in range(2):
                await traffic.until_acknowledged(BEFORE)
                os.kill(workers_of(service)[0], signal.SIGKILL)
                await traffic.until_acknowledged(AFTER)
                await traffic.until(are_two_again)
        assert traffic.refused == 0


async def test_a_stop_in_traffic_ends_what_was_begun(tmp_path: Path) -> None:
    service = Service(tmp_path, BEHIND_A_PROXY).start()
    async with client_of(service) as http:
        traffic = Traffic(service, http, outlives_breaks=True)
        await traffic.begin()
        await traffic.until_acknowledged(BEFORE)
        assert await asyncio.to_thread(service.stop) == 0
        await traffic.end()
    service.start()
    async with client_of(service) as http:
        await assert_all_is_there(http, traffic.told)
    assert traffic.refused == 0
    assert service.stop() == 0


@pytest.fixture(params=["sqlite", "mongodb"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of services that share everything but their address."""
    database = f"sqlite:///{tmp_path}/shared.db"
    if request.param == "mongodb":
        database = request.getfixturevalue("mongo_database")
    return {
        "DIALTONE_DATABASE": database,
        "DIALTONE_MEDIA": f"file://{tmp_path}/media",
        "DIALTONE_SECRETS_FILE": f"{tmp_path}/secrets.json",
        **BEHIND_A_PROXY,
    }


async def test_of_two_services_on_one_database_the_other_goes_on_when_one_is_killed(
    tmp_path: Path, shared: dict[str, str]
) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(running(tmp_path / "one", shared))
        other = stack.enter_context(running(tmp_path / "other", shared))
        async with traffic_at(one) as traffic, client_of(other) as http:
            doomed = Traffic(other, http, outlives_breaks=True)
            await doomed.begin()
            await doomed.until_acknowledged(BEFORE)
            await asyncio.to_thread(other.kill)
            await doomed.end()
            await traffic.until_acknowledged(AFTER)
            assert traffic.refused == doomed.refused == 0
        async with client_of(one) as http:
            await assert_all_is_there(http, doomed.told)


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoProcess]:
    with MongoProcess(tmp_path / "mongo") as server:
        yield server


async def test_a_network_cut_to_mongodb_that_nobody_is_told_of_is_outlived(
    mongo: MongoProcess, tmp_path: Path
) -> None:
    with TcpProxy(f"mongodb://{mongo.address}") as cable:
        host = cable.url.removeprefix("http://")
        url = f"mongodb://{host}/dialtone?directConnection=true&timeoutMS=1000"
        with running(tmp_path, {"DIALTONE_DATABASE": url, **BEHIND_A_PROXY}) as service:
            async with traffic_at(service) as traffic:
                await traffic.until_acknowledged(BEFORE)
                cable.pause()
                await traffic.until_refused(6)
                await traffic.assert_refused_everywhere()
                cable.resume()
                await traffic.until_acknowledged(AFTER)


async def test_keys_that_vanish_are_missed_at_the_next_start_and_not_before(tmp_path: Path) -> None:
    service = Service(tmp_path, BEHIND_A_PROXY).start()
    secrets, away = tmp_path / "secrets.json", tmp_path / "away.json"
    async with traffic_at(service) as traffic:
        await traffic.until_acknowledged(BEFORE)
        shutil.move(secrets, away)
        await traffic.until_acknowledged(AFTER)
    assert service.stop() == 0
    refused = service.run("run")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert str(secrets) in refused.stderr
    shutil.move(away, secrets)
    service.start()
    async with client_of(service) as http:
        await assert_all_is_there(http, traffic.told)
    assert service.stop() == 0

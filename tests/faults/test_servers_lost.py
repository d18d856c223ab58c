"""MongoDB or S3 becomes unavailable under traffic, and available again."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.traffic import BEHIND_A_PROXY, Traffic, run_traffic
from tests.support.servers.mongo_process import MongoProcess
from tests.support.servers.process import ServerProcess
from tests.support.servers.s3_process import S3Process
from tests.support.servers.tcp_proxy import TcpProxy
from tests.support.service import Service, running

ACKNOWLEDGED_BEFORE = 12
FAILED = 6
ACKNOWLEDGED_AFTER = 18

Outage = tuple[Callable[[ServerProcess], object], Callable[[ServerProcess], object]]
OUTAGES: dict[str, Outage] = {
    "stopped": (ServerProcess.stop, ServerProcess.start),
    "killed": (ServerProcess.kill, ServerProcess.start),
    "frozen": (ServerProcess.pause, ServerProcess.resume),
}


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoProcess]:
    with MongoProcess(tmp_path / "mongo") as server:
        yield server


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Process]:
    with S3Process(tmp_path / "s3") as server:
        yield server


def mongo_settings(host: str) -> dict[str, str]:
    """Return the settings of a service whose database calls time out after a second."""
    url = f"mongodb://{host}/dialtone?directConnection=true&timeoutMS=1000"
    return {"DIALTONE_DATABASE": url, **BEHIND_A_PROXY}


@pytest.fixture
def service_on_mongo(mongo: MongoProcess, tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path, mongo_settings(mongo.address)) as service:
        yield service


@pytest.fixture
def service_on_s3(s3: S3Process, tmp_path: Path) -> Iterator[Service]:
    media = {"DIALTONE_MEDIA": f"s3://{s3.server.bucket}/lost", **s3.server.environ()}
    with running(tmp_path, {**media, **BEHIND_A_PROXY}) as service:
        yield service


async def run_outage(
    traffic: Traffic,
    start: Callable[[], object],
    end: Callable[[], object],
    *,
    is_database: bool = True,
) -> None:
    await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
    await asyncio.to_thread(start)
    await traffic.until_failed(FAILED)
    if is_database:
        await traffic.assert_all_paths_fail()
    await asyncio.to_thread(end)
    await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
async def test_a_mongodb_outage_loses_nothing_that_was_acknowledged(
    service_on_mongo: Service, mongo: MongoProcess, outage: Outage
) -> None:
    start, end = outage
    async with run_traffic(service_on_mongo) as traffic:
        await run_outage(traffic, lambda: start(mongo), lambda: end(mongo))


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
async def test_an_s3_outage_loses_nothing_that_was_acknowledged(
    service_on_s3: Service, s3: S3Process, outage: Outage
) -> None:
    start, end = outage
    async with run_traffic(service_on_s3) as traffic:
        await run_outage(traffic, lambda: start(s3), lambda: end(s3), is_database=False)


async def test_a_silent_network_failure_loses_nothing_that_was_acknowledged(
    mongo: MongoProcess, tmp_path: Path
) -> None:
    with TcpProxy(f"mongodb://{mongo.address}") as proxy:
        host = proxy.url.removeprefix("http://")
        with running(tmp_path, mongo_settings(host)) as service:
            async with run_traffic(service) as traffic:
                await run_outage(traffic, proxy.pause, proxy.resume)

"""MongoDB and the S3 server lost in the middle of traffic, and found again."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.traffic import BEHIND_A_PROXY, Traffic, traffic_at
from tests.support.servers.mongo_process import MongoProcess
from tests.support.servers.process import ServerProcess
from tests.support.servers.s3_process import S3Process
from tests.support.service import Service, running

BEFORE = 12
REFUSED = 6
AFTER = 18

Loss = tuple[Callable[[ServerProcess], object], Callable[[ServerProcess], object]]
LOSSES: dict[str, Loss] = {
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


@pytest.fixture
def on_mongo(mongo: MongoProcess, tmp_path: Path) -> Iterator[Service]:
    """A service whose records are in MongoDB; a call is given a second, and a second more."""
    url = f"mongodb://{mongo.address}/dialtone?directConnection=true&timeoutMS=1000"
    with running(tmp_path, {"DIALTONE_DATABASE": url, **BEHIND_A_PROXY}) as service:
        yield service


@pytest.fixture
def on_s3(s3: S3Process, tmp_path: Path) -> Iterator[Service]:
    """A service whose files are in S3; storing is given 20 seconds, removing what it left 5."""
    media = {"DIALTONE_MEDIA": f"s3://{s3.server.bucket}/lost", **s3.server.environ()}
    with running(tmp_path, {**media, **BEHIND_A_PROXY}) as service:
        yield service


async def lost_and_found(
    traffic: Traffic, server: ServerProcess, loss: Loss, *, is_database: bool
) -> None:
    lose, find = loss
    await traffic.until_acknowledged(BEFORE)
    await asyncio.to_thread(lose, server)
    await traffic.until_refused(REFUSED)
    if is_database:
        await traffic.assert_refused_everywhere()
    await asyncio.to_thread(find, server)
    await traffic.until_acknowledged(AFTER)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
async def test_mongodb_lost_in_traffic_costs_nothing_that_was_acknowledged(
    on_mongo: Service, mongo: MongoProcess, loss: Loss
) -> None:
    async with traffic_at(on_mongo) as traffic:
        await lost_and_found(traffic, mongo, loss, is_database=True)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
async def test_the_media_store_lost_in_traffic_costs_nothing_that_was_acknowledged(
    on_s3: Service, s3: S3Process, loss: Loss
) -> None:
    async with traffic_at(on_s3) as traffic:
        await lost_and_found(traffic, s3, loss, is_database=False)

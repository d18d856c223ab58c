"""MongoDB, PostgreSQL or S3 becomes unavailable under traffic, and available again."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.e2e.app import App
from tests.faults.traffic import BEHIND_A_PROXY, Traffic, open_client, run_traffic
from tests.support.images import still_gif
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import ServerProcess
from tests.support.servers.s3 import S3Process
from tests.support.service import running

Outage = tuple[Callable[[ServerProcess], object], Callable[[ServerProcess], object]]
STOPPED: Final[Outage] = (lambda server: server.stop(), ServerProcess.start)
KILLED: Final[Outage] = (lambda server: server.kill(), ServerProcess.start)
# The network can fail in the same way: connections stay open, and nobody responds.
FROZEN: Final[Outage] = (lambda server: server.pause(), lambda server: server.resume())


async def run_outages(traffic: Traffic, server: ServerProcess, outages: Sequence[Outage]) -> None:
    for start, end in outages:
        await traffic.until_acknowledged(12)
        await asyncio.to_thread(start, server)
        await traffic.until_failed(6)
        await asyncio.to_thread(end, server)
    await traffic.until_acknowledged(18)


async def test_outages_of_mongodb_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with MongoProcess(tmp_path / "mongo") as mongo:
        # The calls of the service time out soon, but not while a busy disk creates the collections.
        url = f"mongodb://{mongo.address}/dialtone?directConnection=true&timeoutMS=3000"
        with running(tmp_path, {"DIALTONE_DATABASE": url, **BEHIND_A_PROXY}) as service:
            async with run_traffic(service) as traffic:
                await run_outages(traffic, mongo, (STOPPED, KILLED, FROZEN))


async def test_outages_of_postgresql_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with PostgresProcess(tmp_path / "postgres") as postgres:
        url = f"{postgres.server.url}?timeout=3"
        with running(tmp_path, {"DIALTONE_DATABASE": url, **BEHIND_A_PROXY}) as service:
            async with run_traffic(service) as traffic:
                await run_outages(traffic, postgres, (STOPPED, KILLED, FROZEN))


async def test_outages_of_s3_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with S3Process(tmp_path / "s3") as s3:
        media = {"DIALTONE_MEDIA": f"s3://{s3.server.bucket}/lost", **s3.server.environ()}
        with running(tmp_path, {**media, **BEHIND_A_PROXY}) as service:
            async with run_traffic(service) as traffic:
                await run_outages(traffic, s3, (KILLED, FROZEN))


async def test_a_refused_deletion_is_retried_in_the_next_process(tmp_path: Path) -> None:
    with S3Process(tmp_path / "s3") as s3:
        media = {"DIALTONE_MEDIA": f"s3://{s3.server.bucket}/refused", **s3.server.environ()}
        with running(tmp_path, {**media, "DIALTONE_CLEANUP_INTERVAL": "15m"}) as service:
            async with open_client(service) as http:
                app = App(service, http)
                account = await app.sign_up("+14155550102")
                item = await app.upload_item(account, still_gif())
                s3.kill()  # after SIGTERM it may take more than 30 s
                deleted = await http.delete(f"/library/{item['id']}", headers=account.headers)
                assert deleted.status_code == 204
            service.kill()
            s3.start()
            assert len(s3.server.keys("refused")) == 2  # the image and its thumbnail
            # Before, the second worker might start while the store is down.
            service.settings["DIALTONE_WORKERS"] = "2"
            service.start()
            service.wait_until_logged("file_deletion_retried")
            assert s3.server.keys("refused") == []
            service.stop()
            assert service.log.count("file_deletion_retried") == 1

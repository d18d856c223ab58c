"""Servers become unavailable under traffic: nothing that was acknowledged is lost.

Another server takes over, or the same one is available again. The contract suites prove how each
call of a database ends while it is away.
"""

import asyncio
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.faults.traffic import BEHIND_A_PROXY, run_traffic
from tests.support.servers.mongo import MongoProcess, initiate_replica_set
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import wait_until
from tests.support.servers.s3 import S3Process
from tests.support.service import running

ELECTION_TIMEOUT: Final = 3.0
"""Seconds. It is longer than the timeout of the service, so requests fail."""
ACKNOWLEDGED_BEFORE: Final = 12
FAILED: Final = 6
ACKNOWLEDGED_AFTER: Final = 18


async def test_an_election_of_mongodb_loses_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        nodes = [MongoProcess(tmp_path / f"node{number}", alone=False) for number in range(3)]
        for node in nodes:
            stack.enter_context(node)
        url = initiate_replica_set(nodes, election_timeout=ELECTION_TIMEOUT)
        database = {"DIALTONE_DATABASE": f"{url.replace('/?', '/elections?')}&timeoutMS=1000"}
        service = stack.enter_context(running(tmp_path / "service", database | BEHIND_A_PROXY))
        async with run_traffic(service) as traffic:
            await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
            await asyncio.to_thread(find_primary(nodes).kill)
            await traffic.until_failed(FAILED)
            await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)


def find_primary(nodes: list[MongoProcess]) -> MongoProcess:
    return next(node for node in nodes if not node.server.find_error())


def follow(primary: PostgresProcess, standby: PostgresProcess) -> PostgresProcess:
    """Start a standby and return it.

    The primary acknowledges nothing that the standby has not written.
    """
    source = f"--dbname=host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
    command = [*standby.program("pg_basebackup"), "--write-recovery-conf", "--no-sync", source]
    subprocess.run(
        [*command, "--checkpoint=fast", f"--pgdata={standby.data}"],
        check=True,
        capture_output=True,
        cwd=standby.data,
    )
    standby.start()
    primary.server.execute(
        "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"
    )
    return standby


def promote(standby: PostgresProcess) -> None:
    # There is no other standby, for which it would wait.
    standby.server.execute("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_promote()")
    wait_until(lambda: not standby.server.find_error())


async def test_a_frozen_postgresql_and_a_standby_that_takes_over_lose_nothing(
    tmp_path: Path,
) -> None:
    with (
        PostgresProcess(tmp_path / "primary") as primary,
        follow(primary, PostgresProcess(tmp_path / "standby")) as standby,
    ):
        url = f"postgresql://postgres@{primary.address},{standby.address}/postgres?timeout=1"
        database = {"DIALTONE_DATABASE": url}
        with running(tmp_path / "service", database | BEHIND_A_PROXY) as service:
            async with run_traffic(service) as traffic:
                await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
                # The network can fail as if it were frozen: connections stay open, and nobody
                # responds.
                await asyncio.to_thread(primary.pause)
                await traffic.until_failed(FAILED)
                await asyncio.to_thread(primary.resume)
                await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
                await asyncio.to_thread(primary.kill)
                await traffic.until_failed(FAILED)
                await asyncio.to_thread(promote, standby)
                await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)


async def test_an_outage_of_s3_loses_nothing(tmp_path: Path) -> None:
    with S3Process(tmp_path / "s3") as s3:
        media = {"DIALTONE_MEDIA": f"s3://{s3.server.bucket}/lost", **s3.server.environ()}
        with running(tmp_path / "service", media | BEHIND_A_PROXY) as service:
            async with run_traffic(service) as traffic:
                await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
                await asyncio.to_thread(s3.kill)
                await traffic.until_failed(FAILED)
                await asyncio.to_thread(s3.start)
                await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)

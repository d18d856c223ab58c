"""PostgreSQL and S3 become unavailable under traffic, and available again.

`test_failover.py` has a primary that is killed, and `test_stopped_servers.py` what each database
does by itself.
"""

import asyncio
from pathlib import Path

import pytest

from tests.faults.traffic import BEHIND_A_PROXY, run_traffic
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import ServerProcess
from tests.support.servers.s3 import S3Process
from tests.support.service import running


# Each outage lasts until enough requests have failed, by their timeouts.
@pytest.mark.timeout(240)
async def test_outages_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with PostgresProcess(tmp_path / "postgres") as postgres, S3Process(tmp_path / "s3") as s3:
        environ = {
            "DIALTONE_DATABASE": f"{postgres.server.url}?timeout=2",
            "DIALTONE_MEDIA": f"s3://{s3.server.bucket}/lost",
            **s3.server.environ(),
            **BEHIND_A_PROXY,
        }
        servers: tuple[ServerProcess, ...] = (postgres, s3)
        with running(tmp_path / "service", environ) as service:
            async with run_traffic(service) as traffic:
                for server in servers:
                    # The network can fail as if they were frozen: connections stay open, and
                    # nobody responds.
                    for begin, end in (
                        (server.kill, server.start),
                        (server.pause, server.resume),
                    ):
                        await traffic.until_acknowledged(12)
                        await asyncio.to_thread(begin)
                        await traffic.until_failed(6)
                        await asyncio.to_thread(end)
                await traffic.until_acknowledged(18)

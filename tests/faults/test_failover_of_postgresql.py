"""A primary of PostgreSQL freezes, or is killed and a standby takes over.

Nobody loses a login, and each request gets a response in time.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.faults.faulty_service import run_faulty_service
from tests.faults.logins import FAILED_VERIFICATIONS, LOGINS_AFTER_FAILOVER, run_logins
from tests.faults.test_elections import (
    ACCEPTED,
    REQUESTS,
    assert_in_time,
    assert_unavailable,
    is_busy,
    request_many,
    wait_for_database,
)
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.client import sign_up
from tests.support.forked_service import running
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import wait_until

OUTAGE_SECONDS: Final = 2.0
"""Longer than the timeout of the service, so requests fail."""


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresProcess]:
    with PostgresProcess(tmp_path / "primary") as process:
        yield process


def url_of(*processes: PostgresProcess, options: str = "") -> str:
    hosts = ",".join(process.address for process in processes)
    return f"postgresql://postgres@{hosts}/postgres{options}"


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


async def test_no_login_is_lost_when_a_standby_takes_over(
    primary: PostgresProcess, tmp_path: Path
) -> None:
    with follow(primary, PostgresProcess(tmp_path / "standby")) as standby:
        database = {"DIALTONE_DATABASE": url_of(primary, standby, options="?timeout=1")}
        with run_faulty_service(tmp_path / "service", {**database, **BEHIND_A_PROXY}) as service:
            async with run_logins(service) as logins:
                await asyncio.to_thread(primary.kill)
                # Long enough that requests arrive while there is no primary.
                await asyncio.sleep(OUTAGE_SECONDS)
                await asyncio.to_thread(promote, standby)
                await logins.until_completed(LOGINS_AFTER_FAILOVER)
                while logins.failed_verifications < FAILED_VERIFICATIONS:
                    await asyncio.to_thread(standby.kill)
                    # Long enough that requests arrive while there is no server.
                    await asyncio.sleep(OUTAGE_SECONDS)
                    await asyncio.to_thread(standby.start)
                    await logins.until_completed(LOGINS_AFTER_FAILOVER)


async def test_while_the_primary_is_frozen_each_request_gets_a_503_in_time(
    primary: PostgresProcess, tmp_path: Path
) -> None:
    environ = {"DIALTONE_DATABASE": url_of(primary), **BEHIND_A_PROXY}
    with running(tmp_path / "service", environ) as service:
        account = sign_up(service, "+14155570001", "user")

        primary.pause()
        failed = await request_many(service, account, REQUESTS)

        for response in failed:
            assert_unavailable(response)
        assert_in_time(service, failed)
        primary.resume()
        await asyncio.to_thread(wait_for_database, service)
        responses = await request_many(service, account, 100)
        assert {response.status_code for response in responses if not is_busy(response)} == ACCEPTED

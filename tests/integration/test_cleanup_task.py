"""The background task that runs the scheduled cleanup."""

import asyncio
from datetime import timedelta
from typing import Final

from structlog.testing import capture_logs

from entrypoints.server.cleanup_task import run_cleanup_task
from tests.support.app_harness import AppHarness
from tests.support.builders import a_deleted_identity
from tests.support.waiting import wait_until

INTERVAL: Final = timedelta(seconds=0.2)


async def test_it_cleans_up_once_in_each_interval_and_logs_the_counts() -> None:
    app = AppHarness()
    await app.database.repositories().identities.add(a_deleted_identity())
    with capture_logs() as logs:
        async with run_cleanup_task(app.operations.scheduled_cleanup, INTERVAL):
            await wait_until(lambda: len(logs) == 1)
            app.advance(INTERVAL.total_seconds())
            await wait_until(lambda: len(logs) == 2)

    first, second = logs
    assert (first["event"], first["purged_identities"]) == ("cleanup_completed", 1)
    assert (second["event"], second["purged_identities"]) == ("cleanup_completed", 0)
    assert first["duration_ms"] >= 0


async def test_it_ends_with_the_block_even_while_the_database_hangs() -> None:
    app = AppHarness()
    app.faults.run_before("leases.acquire", asyncio.Event().wait)
    tasks = asyncio.all_tasks()
    async with run_cleanup_task(app.operations.scheduled_cleanup, timedelta(seconds=1)):
        await wait_until(lambda: app.faults.has_fired)
    assert asyncio.all_tasks() == tasks

"""The background tasks of the core: the cleanup, the record of a process, and its clock."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from structlog.testing import capture_logs

from adapters.operations.metrics.metrics import Metrics
from application.operations.compare_clocks import CompareClocks
from application.ports.errors import StorageUnavailable
from domain.instance import RENEWAL_INTERVAL
from entrypoints.tasks.cleanup_task import run_cleanup_task
from entrypoints.tasks.clock_task import run_clock_task
from entrypoints.tasks.instance_task import keep_instance
from tests.support.app_harness import AppHarness
from tests.support.builders import a_deleted_identity
from tests.support.fakes.clock import MovableClock
from tests.support.waiting import wait_until

INTERVAL: Final = timedelta(seconds=30)


async def test_the_cleanup_runs_once_in_each_interval_and_logs_the_counts() -> None:
    app = AppHarness()
    await app.database.repositories().identities.add(a_deleted_identity())
    with capture_logs() as logs:
        async with run_cleanup_task(app.operations.scheduled_cleanup, INTERVAL):
            await wait_until(lambda: len(logs) == 1)
            app.advance(INTERVAL.total_seconds())
            await wait_until(lambda: len(logs) == 2)

    first, second = logs
    assert (first["event"], first["purged_identities"]) == ("cleanup_completed", 1)
    assert second["event"] == "cleanup_completed"
    assert "purged_identities" not in second
    assert first["duration_ms"] >= 0


async def test_an_instance_is_renewed_without_a_word_after_the_database_was_away() -> None:
    app = AppHarness()
    records = app.database.records.tables["instances"]
    tasks = asyncio.all_tasks()
    with capture_logs() as logs:
        async with keep_instance(app.operations.instance):
            [before] = records.values()
            app.database.is_unavailable = True
            # Some renewals fail, on the clock of the test.
            await asyncio.sleep(5 * RENEWAL_INTERVAL.total_seconds())
            app.advance(10)
            app.database.is_unavailable = False
            await wait_until(lambda: [*records.values()] != [before])

    assert (records, logs) == ({}, [])
    assert asyncio.all_tasks() == tasks


async def test_the_clocks_are_compared_at_the_start_and_again_after_a_failure() -> None:
    clock, metrics = MovableClock(), Metrics()
    answers: list[int | StorageUnavailable] = [-360, StorageUnavailable("away"), 40]

    async def read_time() -> datetime:
        answer = answers.pop(0) if answers else 0
        if isinstance(answer, StorageUnavailable):
            raise answer
        return clock.now() - timedelta(seconds=answer)

    def measured() -> float | None:
        return metrics.registry.get_sample_value("dialtone_clock_difference_seconds")

    with capture_logs() as logs:
        async with run_clock_task(CompareClocks(read_time, clock), metrics):
            differences = []
            for _ in range(4):
                await asyncio.sleep(59)  # on the clock of the test
                differences.append(measured())
                await asyncio.sleep(1)  # until the next comparison
    assert differences == [360, 360, 40, 0]
    assert [line["event"] for line in logs] == ["clocks_not_compared"]

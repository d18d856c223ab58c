"""The background task that runs the scheduled cleanup."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from structlog.testing import capture_logs

from application.costs.feature import CostsFeature
from application.statistics.feature import StatisticsFeature
from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from entrypoints.server.cleanup_task import (
    run_cleanup_task,
    run_costs_task,
    run_retry_task,
    run_statistics_task,
)
from tests.support.app_harness import AppHarness
from tests.support.builders import a_deleted_identity
from tests.support.policies import make_policy

INTERVAL: Final = timedelta(seconds=0.2)


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the task has no event for "done"
            await asyncio.sleep(0.01)  # between two checks of the condition


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


async def test_refused_deletions_are_retried_although_the_database_failed_before() -> None:
    app = AppHarness()
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    app.files.is_unavailable = True
    await app.media.delete_item(owner, item.id)
    app.files.is_unavailable, app.database.is_unavailable = False, True
    tasks = asyncio.all_tasks()
    with capture_logs() as logs:
        async with run_retry_task(app.media.retry_deletions, INTERVAL):
            await wait_until(lambda: bool(logs))
            app.database.is_unavailable = False
            await wait_until(lambda: not app.files.contents)

    assert (logs[0]["event"], logs[0]["log_level"]) == ("file_deletion_retry_failed", "warning")
    assert logs[0]["reason"]
    assert asyncio.all_tasks() == tasks


async def test_costs_are_written_again_after_the_database_failed() -> None:
    prices = PriceList("USD", {("US", Channel.SMS): 8_300})
    app = AppHarness(policy=make_policy(prices=prices))
    costs = app.use_cases.of(CostsFeature)
    costs.count.count_message("US", "twilio", "hello")
    app.faults.fail_on("daily_costs.add")
    with capture_logs() as logs:
        async with run_costs_task(costs.write, INTERVAL):
            await wait_until(lambda: costs.count.sums.list_changed() == [])

    assert [line["event"] for line in logs] == ["costs_not_written"]
    assert len(app.database.records.tables["daily_costs"]) == 1


async def test_statistics_are_written_again_after_a_failure() -> None:
    app = AppHarness()
    write, sums = (
        app.use_cases.of(StatisticsFeature).write,
        app.use_cases.of(StatisticsFeature).write.sums,
    )
    sums.add_event(app.clock.now(), "login_succeeded")
    app.faults.fail_on("hourly_counts.add")
    with capture_logs() as logs:
        async with run_statistics_task(write, INTERVAL):
            await wait_until(lambda: sums.list_changed() == [])

    assert [line["event"] for line in logs] == ["statistics_not_written"]
    assert len(app.database.records.tables["hourly_counts"]) == 1

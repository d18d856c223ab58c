"""The background task that keeps the record of a process."""

import asyncio

import pytest
from structlog.testing import capture_logs

from domain.instance import RENEWAL_INTERVAL
from entrypoints.server import instance_task
from entrypoints.server.instance_task import keep_instance
from tests.support.app_harness import AppHarness
from tests.support.waiting import wait_until

INTERVAL = RENEWAL_INTERVAL / 1000


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_task, "RENEWAL_INTERVAL", INTERVAL)


async def test_it_goes_on_without_a_word_while_the_database_is_away() -> None:
    app = AppHarness()
    records = app.database.records.tables["instances"]
    tasks = asyncio.all_tasks()
    with capture_logs() as logs:
        async with keep_instance(app.operations.instance):
            [before] = records.values()
            app.database.is_unavailable = True
            await asyncio.sleep(5 * INTERVAL.total_seconds())  # some renewals fail
            app.advance(10)
            app.database.is_unavailable = False
            await wait_until(lambda: [*records.values()] != [before])

    assert (records, logs) == ({}, [])
    assert asyncio.all_tasks() == tasks


async def test_a_stop_does_not_wait_for_a_database_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance_task, "_CALL_TIMEOUT", 0.05)
    app = AppHarness()
    async with keep_instance(app.operations.instance):
        app.faults.run_before("instances.load", asyncio.Event().wait)
    assert app.faults.has_fired

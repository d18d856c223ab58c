"""The background task that sends events, and what it says in the log."""

import asyncio
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from application.features.events.feature import EventsFeature
from application.features.events.ports import EventRejected
from entrypoints.features.events.task import run_events_task
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.fakes.destination import FakeDestination
from tests.support.waiting import wait_until

NAME: Final = "0123456789ab"
LABELS: Final = {NAME: "https://backend.test"}


@pytest.fixture
def destination() -> FakeDestination:
    return FakeDestination()


@pytest.fixture
def app(destination: FakeDestination) -> AppHarness:
    return AppHarness(destinations={NAME: destination})


async def test_what_is_not_sent_is_logged_once_and_that_it_works_again(
    app: AppHarness, destination: FakeDestination
) -> None:
    for number in range(3):
        await app.add_user(a_phone(number), f"user {number}")
    destination.rejects = lambda _: EventRejected("status 503")
    with capture_logs() as logs:
        async with run_events_task(app.use_cases.of(EventsFeature).send, LABELS):
            await wait_until(lambda: logs)
            for _ in range(3):
                await asyncio.sleep(1)  # until the attempts are recorded; on the clock of the test
                app.advance(hours=1)
                attempts = len(destination.attempted)
                await wait_until(lambda: len(destination.attempted) > attempts)  # noqa: B023
            destination.rejects = lambda _: None
            app.advance(hours=1)
            await wait_until(lambda: len(logs) > 1)

    assert logs == [
        {
            "event": "events_not_sent",
            "log_level": "warning",
            "destination": "https://backend.test",
            "reason": "status 503",
            "waiting_users": 3,
        },
        {
            "event": "events_sent",
            "log_level": "info",
            "destination": "https://backend.test",
            "events": 3,
        },
    ]


async def test_it_goes_on_after_the_database_was_away_and_says_so_once(
    app: AppHarness, destination: FakeDestination
) -> None:
    await app.add_user()
    app.database.is_unavailable = True
    with capture_logs() as logs:
        async with run_events_task(app.use_cases.of(EventsFeature).send, LABELS):
            await wait_until(lambda: logs)
            await asyncio.sleep(10)  # some turns that fail, too; on the clock of the test
            app.database.is_unavailable = False
            await wait_until(lambda: destination.accepted)

    failed = [line for line in logs if line["event"] == "events_not_sent"]
    assert len(failed) == 1
    assert "destination" not in failed[0]


async def test_it_ends_with_the_block_and_leaves_the_lease_to_others(
    app: AppHarness, destination: FakeDestination
) -> None:
    await app.add_user()
    destination.gate = asyncio.Event()
    tasks = asyncio.all_tasks()
    async with run_events_task(app.use_cases.of(EventsFeature).send, LABELS):
        await wait_until(lambda: destination.attempted)
    assert asyncio.all_tasks() == tasks

    destination.gate = None
    other: Any = AppHarness(
        database=app.database, clock=app.clock, destinations={NAME: destination}
    )
    with capture_logs() as logs:
        async with run_events_task(other.use_cases.of(EventsFeature).send, LABELS):
            await wait_until(lambda: logs)
    assert destination.accepted
    # While all is well.
    assert [(line["event"], line["log_level"]) for line in logs] == [("events_sent", "debug")]

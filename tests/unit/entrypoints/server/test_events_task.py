"""The background task that sends events, and what it says in the log."""

import asyncio
from typing import Final

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

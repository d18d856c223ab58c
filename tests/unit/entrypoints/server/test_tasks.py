"""The background tasks of the core and of events, and what is repeated in spite of errors."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import pytest

from adapters.operations.metrics.metrics import Metrics
from application.features.events.send_events import EventRejected
from application.operations.compare_clocks import CompareClocks
from application.ports.errors import StorageUnavailable
from domain.instance import RENEWAL_INTERVAL
from entrypoints.features.events import EVENTS, run_events_task
from entrypoints.tasks.background_task import repeat
from entrypoints.tasks.core_tasks import (
    keep_instance,
    run_cleanup_task,
    run_clock_task,
    run_clock_watch,
)
from tests.support.app_harness import AppHarness
from tests.support.builders import a_deleted_identity, a_phone
from tests.support.captured_lines import captured_lines
from tests.support.fakes.clock import MovableClock, SecondsClock
from tests.support.fakes.destination import FakeDestination
from tests.support.waiting import wait_until

PAUSE: Final = timedelta(seconds=0.01)


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


async def hang() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("first", "level", "reason"),
    [
        (raising(StorageUnavailable("away")), "warning", "away"),
        (hang, "warning", "it took longer than 0.05 seconds"),
        (raising(TimeoutError("of its own")), "warning", "of its own"),
        (raising(ValueError("a bug")), "error", None),
        # Of a future that it waits for: nobody has cancelled the task.
        (raising(asyncio.CancelledError()), "error", None),
        # Of an adapter; it would end the event loop, and others the task.
        (raising(SystemExit(1)), "error", None),
    ],
)
async def test_work_that_fails_is_logged_counted_and_done_again(
    first: Callable[[], Awaitable[None]], level: str, reason: str | None
) -> None:
    metrics, runs, tasks = Metrics(), [first], asyncio.all_tasks()
    done = asyncio.Event()

    async def work() -> None:
        if runs:
            await runs.pop()()
        done.set()

    with captured_lines() as logs:
        repeated = repeat(
            "work",
            work,
            failed_event="work_failed",
            pause=PAUSE,
            limit=timedelta(seconds=0.05),
            metrics=metrics,
        )
        async with repeated:
            await wait_until(done.is_set)

    (line,) = logs
    assert (line["event"], line["log_level"], line.get("reason")) == ("work_failed", level, reason)
    failures = metrics.registry.get_sample_value(
        "dialtone_background_failures_total", {"task": "work"}
    )
    assert failures == 1
    assert asyncio.all_tasks() == tasks


INTERVAL: Final = timedelta(seconds=30)


async def test_the_cleanup_runs_once_in_each_interval_and_logs_the_counts() -> None:
    app = AppHarness()
    await app.database.repositories().identities.add(a_deleted_identity())
    with captured_lines() as logs:
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
    with captured_lines() as logs:
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

    with captured_lines() as logs:
        async with run_clock_task(CompareClocks(read_time, clock), metrics):
            differences = []
            for _ in range(4):
                await asyncio.sleep(59)  # on the clock of the test
                differences.append(measured())
                await asyncio.sleep(1)  # until the next comparison
    assert differences == [360, 360, 40, 0]
    assert [line["event"] for line in logs] == ["clocks_not_compared"]


async def test_a_clock_that_is_set_by_more_than_a_minute_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, elapsed = MovableClock(), SecondsClock()
    async with run_clock_watch(clock, None, elapsed):
        # The third time the machine has slept for an hour.
        for passed, set_by in ((60, 0), (60, 59), (3600, 0), (60, 7200), (60, 0), (60, -61)):
            elapsed.seconds += passed
            clock.advance(timedelta(seconds=passed + set_by))
            await asyncio.sleep(60)  # on the clock of the test
    assert [line.msg for line in caplog.records] == [
        {"event": "clock_jumped", "seconds": seconds} for seconds in (7200, -61)
    ]


async def test_events_that_are_not_sent_are_logged_once_and_that_it_works_again() -> None:
    name, destination = "0123456789ab", FakeDestination()
    app = AppHarness(destinations={name: destination})
    for number in range(3):
        await app.add_user(a_phone(number), f"user {number}")
    destination.rejects = lambda _: EventRejected("status 503")
    labels = {name: "https://backend.test"}
    with captured_lines() as logs:
        async with run_events_task(EVENTS.of(app.use_cases).sending.send, labels):
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

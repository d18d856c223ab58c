"""What the server repeats goes on, whatever happens in it, and says so."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest
from structlog.testing import capture_logs

from adapters.operations.metrics.metrics import Metrics
from application.ports.errors import StorageUnavailable
from entrypoints.tasks.background_task import repeat
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

    with capture_logs() as logs:
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

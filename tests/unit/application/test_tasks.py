"""A task that nobody awaits does not die in silence."""

import asyncio

from adapters.operations.logging import log_errors_of_loop
from application.tasks import start_task
from tests.support.captured_lines import captured_lines


async def test_the_error_of_a_task_that_nobody_awaits_is_logged_with_its_name_and_counted() -> None:
    async def fail() -> None:
        raise ValueError("a value")

    failures: list[int] = []
    log_errors_of_loop(lambda: failures.append(1))
    with captured_lines() as logs:
        start_task("forget_it", fail())
        await asyncio.sleep(0)  # it runs
        await asyncio.sleep(0)  # and is done

    (line,) = logs
    assert (line["event"], line["log_level"], line["task"]) == (
        "unhandled_exception",
        "critical",
        "forget_it",
    )
    assert isinstance(line["exc_info"], ValueError)
    assert failures == [1]


async def test_the_error_of_a_callback_is_logged_without_its_arguments() -> None:
    log_errors_of_loop(lambda: None)
    with captured_lines() as logs:
        asyncio.get_running_loop().call_soon(divmod, 4155552671, 0)
        await asyncio.sleep(0)  # it runs

    (line,) = logs
    assert (line["event"], line["reason"]) == ("unhandled_exception", "Exception in callback")

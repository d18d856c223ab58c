"""The one place that starts tasks: each has a name, and is kept until its end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

T = TypeVar("T")

_RUNNING: Final = set[asyncio.Task[Any]]()


def start_task(
    name: str, work: Coroutine[Any, Any, T], *, context: Context | None = None
) -> asyncio.Task[T]:
    """Start a task, and keep it until its end: the event loop alone may forget it before.

    The work has a bound of its own. Code that awaits the task gets its error. The error of a task
    that is not awaited is logged as `unhandled_exception` with its name, and counted.

    `name` has no value of a request. `context` is empty for work that belongs to no request.
    """
    task = asyncio.create_task(work, name=name, context=context)
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return task


async def call_adapter(name: str, call: Callable[[], Awaitable[T]], seconds: float | None) -> T:
    """Make a call of an operator's own adapter.

    `seconds` is how long it may take, None without a limit. Unlike `asyncio.timeout`, this does
    not wait for a call that ignores its cancellation.

    Raises:
        BaseException: What the call raises.
    """
    result: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def make() -> None:
        try:
            returned = await call()
        # As the error of a task, SystemExit would end the event loop.
        except BaseException as error:  # noqa: BLE001 -- the caller gets it
            if not result.done():
                result.set_exception(error)
        else:
            if not result.done():
                result.set_result(returned)

    task = start_task(name, make())
    try:
        async with asyncio.timeout(seconds):
            return await result
    finally:
        task.cancel()


def is_ended() -> bool:
    """Return whether the running task was told to end.

    Otherwise a `CancelledError` that arrives in it is an error of what it called, which may have
    cancelled something of its own: a task that takes it for its end dies in silence.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

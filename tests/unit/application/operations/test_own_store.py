"""A call of an operator's own store ends, whatever the store does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import pytest

from adapters.databases.records.call_deadlines import OWN_TIMEOUT, limit_own_calls
from application.ports.errors import StorageTimeout

_NEVER: Final = 100 * OWN_TIMEOUT


async def hang() -> object:
    await asyncio.sleep(_NEVER)  # on the clock of the test
    return None


async def ignore_cancellation() -> object:
    with suppress(asyncio.CancelledError):
        await hang()
    return await hang()


def raising(error: BaseException) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (hang, StorageTimeout, "no answer within 15 seconds"),
        (ignore_cancellation, StorageTimeout, "no answer within 15 seconds"),
        (raising(SystemExit(1)), StorageTimeout, "it was ended by SystemExit"),
        (raising(KeyError("a bug")), KeyError, "a bug"),
    ],
)
async def test_a_call_that_hangs_or_fails_raises_an_error(
    call: Callable[[], Awaitable[object]], error: type[Exception], reason: str
) -> None:
    began_at = asyncio.get_running_loop().time()
    with pytest.raises(error, match=reason):
        await limit_own_calls()("load", call)

    assert asyncio.get_running_loop().time() - began_at <= OWN_TIMEOUT


async def test_a_result_is_returned_and_a_caller_that_is_cancelled_ends_the_call() -> None:
    async def load() -> object:
        return "value"

    assert await limit_own_calls()("load", load) == "value"

    ended = asyncio.Event()

    async def wait() -> object:
        try:
            return await hang()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await limit_own_calls()("load", wait)
    await ended.wait()

"""Waiting for results, of which some are there already."""

import asyncio
from contextlib import suppress

import pytest

from application.gathering import Completed, begin, gather


async def get(result: str) -> str:
    await asyncio.sleep(0)
    return result


@pytest.mark.parametrize("coroutines", ["", "b", "ab", "abc"])
@pytest.mark.parametrize("futures", ["", "a", "c", "ac"])
async def test_results_have_the_order_of_what_is_awaited(coroutines: str, futures: str) -> None:
    results = [
        get(name)
        if name in coroutines
        else asyncio.ensure_future(get(name))
        if name in futures
        else Completed(name)
        for name in "abc"
    ]
    assert [*await gather(*results)] == ["a", "b", "c"]


async def test_an_error_that_is_there_already_is_raised_and_the_rest_is_executed() -> None:
    failed = asyncio.get_running_loop().create_future()
    failed.set_exception(LookupError)
    waiting = asyncio.ensure_future(get("result"))
    with pytest.raises(LookupError):
        await gather(failed, waiting)
    assert await waiting == "result"


async def test_later_errors_are_not_reported_as_lost() -> None:
    lost: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: lost.append(context))
    futures = [loop.create_future() for _ in range(2)]
    for future in futures:
        future.set_exception(LookupError)

    with pytest.raises(LookupError):
        await gather(*futures)
    await asyncio.sleep(0)

    futures.clear()
    del future
    assert lost == []


async def test_who_is_cancelled_cancels_all() -> None:
    futures = [asyncio.get_running_loop().create_future() for _ in range(2)]
    waiting = asyncio.ensure_future(gather(*futures, get("result")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()

    with suppress(asyncio.CancelledError):
        await waiting

    assert [future.cancelled() for future in futures] == [True, True]


async def test_what_has_begun_goes_on_without_somebody_who_waits() -> None:
    begun: list[str] = []

    async def run() -> str:
        begun.append("result")
        return "result"

    waiting = begin(run())
    await asyncio.sleep(0)
    assert begun == ["result"]
    assert await waiting == "result"
    completed = Completed("result")
    assert begin(completed) is completed


async def test_an_error_of_what_has_begun_is_raised_or_ignored() -> None:
    lost: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: lost.append(context))

    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await begin(fail())
    ignored, cancelled = begin(fail()), asyncio.ensure_future(get("result"))
    begin(cancelled)
    cancelled.cancel()
    for _ in range(2):
        await asyncio.sleep(0)

    del ignored, cancelled
    assert lost == []

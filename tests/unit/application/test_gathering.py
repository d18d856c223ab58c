"""Waiting for results, of which some are there already."""

import asyncio

import pytest

from application.gathering import completed, gather


async def get(result: str) -> str:
    await asyncio.sleep(0)
    return result


@pytest.mark.parametrize("waiting", ["", "b", "ab", "abc"])
async def test_results_have_the_order_of_what_is_awaited(waiting: str) -> None:
    results = [get(name) if name in waiting else completed(name) for name in "abc"]
    assert [*await gather(*results)] == ["a", "b", "c"]


async def test_an_error_that_is_there_already_is_raised_and_the_rest_is_executed() -> None:
    failed = asyncio.get_running_loop().create_future()
    failed.set_exception(LookupError)
    waiting = asyncio.ensure_future(get("result"))
    with pytest.raises(LookupError):
        await gather(failed, waiting)
    assert await waiting == "result"

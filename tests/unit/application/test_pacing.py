"""The cleanup leaves the database to others."""

import asyncio

from application.pacing import PARALLEL_WRITES, Pace, call_in_groups


async def test_a_pause_is_as_long_as_the_step_before() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace()
    began_at = loop.time()
    await asyncio.sleep(0.05)  # the step
    ended_at = loop.time()

    await pace.pause()

    assert loop.time() - ended_at >= 0.9 * (ended_at - began_at)


async def test_few_calls_are_made_at_the_same_time_and_results_keep_their_order() -> None:
    running = most = 0

    async def call(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    assert await call_in_groups(call, range(10)) == [*range(10)]
    assert most == PARALLEL_WRITES

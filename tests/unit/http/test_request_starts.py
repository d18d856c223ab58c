"""The limit for how many requests start in one iteration of the event loop."""

import asyncio
import sys
import time

from entrypoints.http.request_starts import RequestStarts


async def test_a_newcomer_overtakes_hundreds_that_wait_and_all_of_them_start() -> None:
    starts = RequestStarts(max_seconds=0)
    switch_interval = sys.getswitchinterval()
    started: list[str] = []

    async def start(name: str) -> None:
        if turn := starts.find_turn():
            await turn
        started.append(name)

    async with asyncio.TaskGroup() as requests:
        for number in range(500):
            requests.create_task(start(str(number)))
        # All of them have asked for their turn.
        await asyncio.sleep(0)
        requests.create_task(start("newcomer"))

    assert started.index("newcomer") < 20
    assert started.index("1") < 20
    assert len(started) == 501
    assert sys.getswitchinterval() == switch_interval


async def test_requests_start_at_once_while_the_event_loop_has_time() -> None:
    starts = RequestStarts(max_seconds=60)

    assert [starts.find_turn() for _ in range(500)] == [None] * 500


async def test_as_many_that_wait_start_in_an_iteration_as_had_started_before() -> None:
    starts = RequestStarts(max_seconds=0.1)

    started = [starts.find_turn() for _ in range(1 + 40)]
    # The time in which requests start at once is over.
    time.sleep(0.1)  # noqa: ASYNC251 - the event loop is busy meanwhile
    waiting = [turn for _ in range(50) if (turn := starts.find_turn())]
    await asyncio.sleep(0)

    assert started == [None] * 41
    assert [turn.done() for turn in waiting] == [True] * 30 + [False] * 10 + [True] * 10

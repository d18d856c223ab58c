import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.sqlite.lane import Job, Lane, Refused, open_lane
from application.ports.errors import StorageUnavailable


class Desk:
    """Serves jobs one after another, and notes which came together."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def serve(self, connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> Sequence[object]:
        self.batches.append(len(jobs))
        return [job(connection) for job in jobs]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[], sqlite3.Connection]:
    return lambda: sqlite3.connect(tmp_path / "lane.db", check_same_thread=False)


@pytest.fixture
async def lane(connect: Callable[[], sqlite3.Connection], desk: Desk) -> AsyncIterator[Lane]:
    async with open_lane("test", connect, desk.serve) as lane:
        yield lane


class Gate:
    """A job that keeps its lane busy until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sqlite3.Connection) -> str:
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self._opened.wait(timeout=60)
        return "gate"

    def open(self) -> None:
        self._opened.set()

    async def closes(self, lane: Lane) -> asyncio.Task[str]:
        """Be the job that the lane is busy with."""
        task = asyncio.create_task(lane.run(self))
        await self.reached.wait()
        return task


async def started(*jobs: asyncio.Task[Any]) -> Sequence[asyncio.Task[Any]]:
    """Let the tasks run until each waits for its answer."""
    await asyncio.sleep(0)
    return jobs


def saying(word: str) -> Job[str]:
    return lambda connection: word


async def test_what_waits_is_served_together_and_in_order(lane: Lane, desk: Desk) -> None:
    gate = Gate()
    await gate.closes(lane)
    tasks = await started(*(asyncio.create_task(lane.run(saying(word))) for word in "abc"))

    gate.open()

    assert await asyncio.gather(*tasks) == ["a", "b", "c"]
    assert desk.batches == [1, 3]


async def test_the_loop_is_woken_once_for_all_that_was_served_together(
    lane: Lane, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, woken = Gate(), []
    await gate.closes(lane)
    tasks = await started(*(asyncio.create_task(lane.run(saying("a"))) for _ in range(50)))
    loop = asyncio.get_running_loop()
    wake = loop.call_soon_threadsafe

    def noted(*args: Any) -> asyncio.Handle:
        woken.append(args)
        return wake(*args)

    monkeypatch.setattr(loop, "call_soon_threadsafe", noted)
    gate.open()
    await asyncio.gather(*tasks)

    assert desk.batches == [1, 50]
    assert len(woken) == 2


async def test_a_refusal_reaches_only_the_one_whose_it_is(
    connect: Callable[[], sqlite3.Connection],
) -> None:
    def serve(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> Sequence[object]:
        words = [job(connection) for job in jobs]
        return [Refused(ValueError(word)) if word == "no" else word for word in words]

    async with open_lane("test", connect, serve) as lane:
        answers = await asyncio.gather(
            *(lane.run(saying(word)) for word in ("yes", "no", "yes")), return_exceptions=True
        )

    assert [str(answer) for answer in answers] == ["yes", "no", "yes"]
    assert isinstance(answers[1], ValueError)


async def test_a_job_whose_caller_left_before_its_turn_is_not_done(lane: Lane) -> None:
    gate, done = Gate(), []
    await gate.closes(lane)
    left, stayed = await started(
        asyncio.create_task(lane.run(lambda connection: done.append("left"))),
        asyncio.create_task(lane.run(lambda connection: done.append("stayed"))),
    )

    left.cancel()
    with suppress(asyncio.CancelledError):
        await left
    gate.open()
    await stayed

    assert done == ["stayed"]


async def test_a_caller_who_leaves_in_the_middle_harms_nobody(lane: Lane) -> None:
    first, second = Gate(), Gate()
    await first.closes(lane)
    left, stayed = await started(
        asyncio.create_task(lane.run(second)), asyncio.create_task(lane.run(saying("stayed")))
    )
    first.open()
    await second.reached.wait()

    left.cancel()
    with suppress(asyncio.CancelledError):
        await left
    second.open()

    assert await stayed == "stayed"


async def test_a_full_lane_refuses_at_once_and_keeps_what_it_has(
    connect: Callable[[], sqlite3.Connection], desk: Desk
) -> None:
    async with open_lane("test", connect, desk.serve, most_waiting=2) as lane:
        gate = Gate()
        await gate.closes(lane)
        tasks = await started(*(asyncio.create_task(lane.run(saying(word))) for word in "ab"))

        with pytest.raises(StorageUnavailable, match="too many"):
            await lane.run(saying("c"))

        gate.open()
        assert await asyncio.gather(*tasks) == ["a", "b"]
        assert await lane.run(saying("c")) == "c"


async def test_a_caller_is_told_no_when_the_disk_hangs(
    connect: Callable[[], sqlite3.Connection], desk: Desk
) -> None:
    async with open_lane("test", connect, desk.serve, patience=0.01) as lane:
        gate = Gate()
        hanging = await gate.closes(lane)

        with pytest.raises(StorageUnavailable, match=r"no answer within 0\.01 seconds"):
            await hanging

        gate.open()


async def test_at_the_end_work_under_way_is_finished_and_no_more_is_taken(
    connect: Callable[[], sqlite3.Connection], desk: Desk
) -> None:
    async with open_lane("test", connect, desk.serve) as lane:
        gate = Gate()
        first = await gate.closes(lane)
        [second] = await started(asyncio.create_task(lane.run(saying("second"))))
        gate.open()

    assert (await first, await second) == ("gate", "second")
    with pytest.raises(StorageUnavailable, match="closed"):
        await lane.run(saying("third"))


async def test_a_connection_that_cannot_be_made_opens_no_lane(desk: Desk) -> None:
    def connect() -> sqlite3.Connection:
        raise ConnectionError("no such place")

    before = threading.active_count()
    with pytest.raises(ConnectionError, match="no such place"):
        async with open_lane("test", connect, desk.serve):
            pytest.fail("it was opened")
    assert not [one for one in threading.enumerate() if one.name == "sqlite-test"], before

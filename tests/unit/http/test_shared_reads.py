import asyncio
import gc

import pytest

from entrypoints.http import shared_reads
from entrypoints.http.shared_reads import SharedReads


class Reads:
    """Reads that end when the test says so; each returns its number."""

    def __init__(self) -> None:
        self.shared = SharedReads[int]()
        self.begun: list[asyncio.Future[None]] = []

    async def _read(self) -> int:
        end = asyncio.get_running_loop().create_future()
        self.begun.append(end)
        number = len(self.begun)
        await end
        return number

    async def request(
        self, key: str = "page 1", last_change: int | None = None
    ) -> asyncio.Future[int]:
        task = asyncio.ensure_future(self.shared.read(key, self._read, last_change))
        await settle()
        return task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_requests_that_arrive_during_a_read_share_the_next_one() -> None:
    reads = Reads()
    first, *later = [await reads.request() for _ in range(3)]
    other = await reads.request("page 2")
    assert len(reads.begun) == 2

    reads.begun[0].set_result(None)
    await settle()
    reads.begun[1].set_result(None)
    reads.begun[2].set_result(None)
    assert await asyncio.gather(first, other, *later) == [1, 2, 3, 3]


async def test_an_error_goes_to_all_requests_of_a_read_and_a_cancellation_to_one() -> None:
    reads = Reads()
    first, canceled, waiting = [await reads.request() for _ in range(3)]
    canceled.cancel()
    reads.begun[0].set_exception(ConnectionError)
    with pytest.raises(ConnectionError):
        await first
    await settle()
    reads.begun[1].set_result(None)
    assert await waiting == 2
    assert canceled.cancelled()


async def test_an_error_that_nobody_waits_for_is_not_reported_as_lost() -> None:
    lost: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
    reads = Reads()
    canceled = await reads.request()
    canceled.cancel()
    reads.begun[0].set_exception(ConnectionError)
    await settle()

    reads.begun.clear()
    gc.collect()
    assert lost == []


async def test_a_read_that_hangs_delays_the_next_one_for_a_second_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared_reads, "MAX_WAIT_SECONDS", 0.0)
    reads = Reads()
    hanging, waiting = await reads.request(), await reads.request()
    await asyncio.sleep(0.01)  # the second read begins after its wait of no time
    reads.begun[1].set_result(None)
    assert await waiting == 2
    reads.begun[0].set_result(None)
    assert await hanging == 1


async def test_a_result_is_known_until_the_next_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "MAX_AGE_SECONDS", 3600.0)
    reads = Reads()
    first = await reads.request(last_change=7)
    before_its_end = await reads.request(last_change=7)
    reads.begun[0].set_result(None)
    assert await first == 1
    await settle()
    reads.begun[1].set_result(None)
    assert await before_its_end == 2

    assert await (await reads.request(last_change=7)) == 2
    assert len(reads.begun) == 2
    for later in (
        await reads.request(last_change=8),
        await reads.request(last_change=None),
        await reads.request("page 2", last_change=7),
    ):
        assert not later.done()


async def test_what_was_read_after_an_earlier_change_is_not_known_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared_reads, "MAX_AGE_SECONDS", 3600.0)
    reads = Reads()
    running, earlier, later = [await reads.request(last_change=number) for number in (1, 1, 2)]
    for number in range(2):
        reads.begun[number].set_result(None)
        await settle()
    assert [await request for request in (running, earlier, later)] == [1, 2, 2]

    assert await (await reads.request(last_change=1)) == 2
    assert not (await reads.request(last_change=2)).done()


async def test_without_a_number_and_after_an_error_nothing_is_known() -> None:
    reads = Reads()
    for number, last_change in enumerate((None, 1)):
        request = await reads.request(last_change=last_change)
        if last_change is None:
            reads.begun[number].set_result(None)
            await request
        else:
            reads.begun[number].set_exception(ConnectionError)
            with pytest.raises(ConnectionError):
                await request

    assert not (await reads.request(last_change=None)).done()
    assert not (await reads.request(last_change=1)).done()


async def test_a_result_is_known_for_a_second_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "MAX_AGE_SECONDS", 0.0)
    reads = Reads()
    first = await reads.request(last_change=1)
    reads.begun[0].set_result(None)
    await first

    assert not (await reads.request(last_change=1)).done()

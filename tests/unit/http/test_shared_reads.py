import asyncio

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

    async def request(self, key: str = "page 1") -> asyncio.Task[int]:
        task = asyncio.ensure_future(self.shared.read(key, self._read))
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

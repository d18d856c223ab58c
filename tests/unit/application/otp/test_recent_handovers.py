"""What is withheld goes as the latest message to the same country went."""

import asyncio
from itertools import pairwise

import pytest
from application.otp.delivery_timing import between

from application.otp.deliver_otp import DeliveryTimingProfile
from application.ports.messenger import DeliveryResult
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.support.fakes.randomness import SeededRandomness


class Highest:
    """A randomness that is always the highest."""

    def bytes(self, count: int) -> bytes:
        return b"\xff" * count


@pytest.fixture
def recent() -> DeliveryTimingProfile:
    return DeliveryTimingProfile(SeededRandomness())


async def answer(result: DeliveryResult, gate: asyncio.Event | None = None) -> DeliveryResult:
    if gate is not None:
        await gate.wait()
    return result


def opens_after(seconds: float) -> asyncio.Event:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, gate.set)
    return gate


async def test_before_any_message_it_looks_like_one_that_was_accepted(
    recent: DeliveryTimingProfile,
) -> None:
    assert await recent.as_of_late("US") == ACCEPTED


@pytest.mark.parametrize("result", [ACCEPTED, REJECTED, UNKNOWN])
async def test_it_goes_as_the_latest_went(
    recent: DeliveryTimingProfile, result: DeliveryResult
) -> None:
    for one in (REJECTED, ACCEPTED, result):
        assert await recent.noting("US", answer(one)) == one

    assert await recent.as_of_late("US") == result


async def test_what_is_refused_for_one_country_says_nothing_of_another(
    recent: DeliveryTimingProfile,
) -> None:
    await recent.noting("US", answer(ACCEPTED))
    await recent.noting("KP", answer(REJECTED))

    assert await recent.as_of_late("US") == ACCEPTED
    assert await recent.as_of_late("IN") == ACCEPTED
    assert await recent.as_of_late("KP") == REJECTED


async def test_a_bad_number_says_nothing_of_others(recent: DeliveryTimingProfile) -> None:
    await recent.noting("US", answer(INVALID_NUMBER))

    assert await recent.as_of_late("US") == ACCEPTED


async def test_it_takes_as_long_as_those_that_went_like_the_latest() -> None:
    recent = DeliveryTimingProfile(Highest())
    loop = asyncio.get_running_loop()
    await recent.noting("IN", answer(ACCEPTED, opens_after(0.05)))
    await recent.noting("US", answer(REJECTED))
    await recent.noting("US", answer(ACCEPTED))

    began = loop.time()
    await recent.as_of_late("US")

    assert loop.time() - began == pytest.approx(0.05)


async def test_it_makes_up_for_waking_late(monkeypatch: pytest.MonkeyPatch) -> None:
    recent = DeliveryTimingProfile(Highest())
    await recent.noting("US", answer(ACCEPTED, opens_after(0.05)))
    on_time, slept = asyncio.sleep, list[float]()

    async def late(seconds: float) -> None:
        slept.append(seconds)
        await on_time(seconds + 0.02)

    monkeypatch.setattr(asyncio, "sleep", late)
    for _ in range(2):
        await recent.as_of_late("US")

    assert slept == pytest.approx([0.05, 0.03])


@pytest.mark.parametrize("ending", [UNKNOWN, REJECTED])
async def test_while_the_sender_hangs_it_waits_and_goes_as_what_comes_back_next(
    ending: DeliveryResult,
) -> None:
    recent = DeliveryTimingProfile(Highest())
    for country in ("US", "IN"):
        await recent.noting(country, answer(ACCEPTED))
    gate = asyncio.Event()
    hanging = asyncio.ensure_future(recent.noting("IN", answer(ending, gate)))
    # Longer than any message took so far is what makes it one that hangs.
    await asyncio.sleep(0.01)

    withheld = asyncio.ensure_future(recent.as_of_late("US"))
    # Whoever did not wait would be done by now.
    await asyncio.sleep(0.01)

    assert not withheld.done()
    gate.set()
    assert await withheld == await hanging == ending


async def test_when_what_hung_was_given_up_it_goes_as_the_latest_went(
    recent: DeliveryTimingProfile,
) -> None:
    for ends in (asyncio.Event(), None):
        sending = (
            answer(INVALID_NUMBER, opens_after(0.01)) if ends is None else answer(UNKNOWN, ends)
        )
        hanging = asyncio.ensure_future(recent.noting("US", sending))
        await asyncio.sleep(0)
        withheld = asyncio.ensure_future(recent.as_of_late("US"))
        # The same.
        await asyncio.sleep(0.005)
        if ends is not None:
            hanging.cancel()

        assert await withheld == ACCEPTED
        await asyncio.wait([hanging])


async def test_it_does_not_wait_for_a_message_that_takes_no_longer_than_usual() -> None:
    recent = DeliveryTimingProfile(SeededRandomness())
    loop = asyncio.get_running_loop()
    await recent.noting("US", answer(ACCEPTED, opens_after(0.2)))
    gate = asyncio.Event()
    under_way = asyncio.ensure_future(recent.noting("US", answer(UNKNOWN, gate)))
    await asyncio.sleep(0)
    await recent.noting("US", answer(ACCEPTED))

    began = loop.time()
    assert await recent.as_of_late("US") == ACCEPTED
    assert loop.time() - began < 0.2
    assert not under_way.done()
    gate.set()
    await under_way


def test_no_time_comes_twice_and_none_is_longer_or_shorter_than_any() -> None:
    times = [0.3, 0.1, 0.2]
    shares = [step / 1000 for step in range(1001)]

    drawn = [between(times, share) for share in shares]

    assert (drawn[0], drawn[-1]) == (0.1, 0.3)
    assert all(one < other for one, other in pairwise(drawn))
    assert between(times, 0.5) == 0.2


def test_without_times_there_is_none_to_wait() -> None:
    assert between([], 0.5) == 0
    assert between([0.2], 0.9) == 0.2

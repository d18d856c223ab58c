"""Suppressed deliveries take as long, and end, as the latest messages did."""

import asyncio

import pytest

from application.otp.delivery_timing import DeliveryTimingProfile
from application.ports.otp import DeliveryResult
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.support.fakes.randomness import SeededRandomness


class MaximalRandomness:
    """Randomness that always returns the highest number."""

    def bytes(self, count: int) -> bytes:
        return b"\xff" * count


@pytest.fixture
def profile() -> DeliveryTimingProfile:
    return DeliveryTimingProfile(SeededRandomness())


async def send(result: DeliveryResult, gate: asyncio.Event | None = None) -> DeliveryResult:
    if gate is not None:
        await gate.wait()
    return result


def gate_after(seconds: float) -> asyncio.Event:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, gate.set)
    return gate


async def test_the_result_is_that_of_the_latest_message_of_the_country(
    profile: DeliveryTimingProfile,
) -> None:
    assert await profile.imitate("US") == ACCEPTED
    for result in (REJECTED, ACCEPTED, UNKNOWN):
        assert await profile.record("US", send(result)) == result
        assert await profile.imitate("US") == result
    await profile.record("KP", send(REJECTED))
    await profile.record("IN", send(INVALID_NUMBER))
    results = [await profile.imitate(country) for country in ("US", "IN", "KP")]
    assert results == [UNKNOWN, ACCEPTED, REJECTED]


async def test_without_durations_of_its_own_a_profile_has_those_of_its_fallback() -> None:
    messages = DeliveryTimingProfile(MaximalRandomness())
    calls = DeliveryTimingProfile(MaximalRandomness(), fallback=messages.durations_of)
    loop = asyncio.get_running_loop()
    await messages.record("US", send(ACCEPTED, gate_after(0.05)))
    await messages.record("US", send(REJECTED))

    started = loop.time()
    assert await calls.imitate("US") == ACCEPTED
    assert loop.time() - started == pytest.approx(0.05)

    await calls.record("IN", send(ACCEPTED, gate_after(0.3)))
    started = loop.time()
    await calls.imitate("US")
    assert loop.time() - started == pytest.approx(0.3)


@pytest.mark.parametrize("result", [UNKNOWN, REJECTED])
async def test_while_the_provider_hangs_a_suppressed_delivery_waits_for_its_result(
    result: DeliveryResult,
) -> None:
    profile = DeliveryTimingProfile(MaximalRandomness())
    for country in ("US", "IN"):
        await profile.record(country, send(ACCEPTED))
    gate = asyncio.Event()
    hanging = asyncio.ensure_future(profile.record("IN", send(result, gate)))
    # The provider hangs if a message takes longer than any message before.
    await asyncio.sleep(0.01)

    suppressed = asyncio.ensure_future(profile.imitate("US"))
    # Without waiting for the provider it would be done by now.
    await asyncio.sleep(0.01)

    assert not suppressed.done()
    gate.set()
    assert await suppressed == await hanging == result


@pytest.mark.parametrize("ending", ["canceled", "invalid number"])
async def test_a_hanging_message_without_usable_result_is_not_imitated(
    profile: DeliveryTimingProfile, ending: str
) -> None:
    sending = (
        send(UNKNOWN, asyncio.Event())
        if ending == "canceled"
        else send(INVALID_NUMBER, gate_after(0.01))
    )
    hanging = asyncio.ensure_future(profile.record("US", sending))
    # The loop has no clock: the message has started after it.
    await asyncio.sleep(0.001)
    suppressed = asyncio.ensure_future(profile.imitate("US"))
    # Without waiting for the provider it would be done by now.
    await asyncio.sleep(0.005)
    assert not suppressed.done()
    if ending == "canceled":
        hanging.cancel()

    assert await suppressed == ACCEPTED
    await asyncio.wait([hanging])

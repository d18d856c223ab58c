"""When a channel comes after the next one, as its only provider degrades."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from tests.support.simulated_codes import USUAL, WHATSAPP_FIRST, Simulation

SMS, WHATSAPP, VOICE = Channel.SMS, Channel.WHATSAPP, Channel.VOICE


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


async def simulate(
    *providers: str, channels: ChannelOrder = WHATSAPP_FIRST, minutes: float = 12
) -> Simulation:
    """Return a simulation in which codes go by a channel that has one provider."""
    simulation = Simulation(providers or ("acme",), channels=channels)
    await simulation.add_usual()
    await simulation.run(minutes)
    return simulation


def order(simulation: Simulation, country: str = "IN", fraction: float = 0.9) -> list[Channel]:
    choose = simulation.process.app.otp.extensions.order_channels
    assert choose is not None
    return [*choose(country, WHATSAPP_FIRST.plan(country, None), fraction)]


async def test_a_channel_whose_only_provider_degrades_comes_after_the_next_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulation = await simulate()
    assert order(simulation) == [WHATSAPP, SMS]
    simulation.shares["meta"] = 0.0
    await simulation.run_until_first("acme", 6)
    assert order(simulation) == [SMS, WHATSAPP]
    assert order(simulation, "IN", 0.0) == [SMS, WHATSAPP]  # a sample of providers of SMS
    assert order(simulation, "IN", 0.96) == [WHATSAPP, SMS]
    (line,) = logged(caplog)
    assert (line["event"], line["provider"], line["country"]) == ("provider_left", "meta", "IN")
    assert line["channel"] == "whatsapp"
    list_left = simulation.process.app.otp.extensions.list_left_providers
    assert list_left is not None
    (state,) = await list_left()
    assert (state.provider, state.channel, state.country) == ("meta", "whatsapp", "IN")
    assert state.until - state.since == timedelta(hours=1)
    assert simulation.process.conversion.count_left() == {"acme": 0, "meta": 1}
    assert order(simulation, "DE") == [WHATSAPP, SMS]


async def test_it_comes_first_again_by_its_sample_after_an_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    simulation = await simulate()
    simulation.shares["meta"] = 0.0
    await simulation.run_until_first("acme", 6)
    simulation.shares["meta"] = USUAL
    before = dict(simulation.sent)
    await simulation.run(59)
    assert simulation.process.first() == "acme"  # the hour is not over
    sampled = simulation.sent["meta"] - before["meta"]
    assert 0.02 < sampled / (sampled + simulation.sent["acme"] - before["acme"]) < 0.09
    await simulation.run_until_first("meta", 120)
    line = logged(caplog)[-1]
    assert (line["event"], line["reason"]) == ("provider_returned", "sample")


async def test_expired_codes_of_strangers_do_not_keep_a_channel_away() -> None:
    simulation = await simulate()
    simulation.shares["meta"] = 0.0
    await simulation.run_until_first("acme", 6)
    simulation.shares["meta"] = USUAL
    for _ in range(60):
        for _ in range(60):
            simulation.request(simulation.process, recognition=Recognition.NONE, is_entered=False)
        await simulation.run(1)
    await simulation.run_until_first("meta", 75)


async def test_if_the_providers_of_all_channels_are_left_the_order_is_the_operators() -> None:
    simulation = await simulate("acme", "other")
    simulation.shares.update(meta=0.0, acme=0.0, other=0.0)
    await simulation.run_until_first("acme", 6)
    await simulation.run_until_first("other", 15)
    await simulation.run_until_first("meta", 15)
    assert order(simulation) == [WHATSAPP, SMS]
    simulation.shares["meta"] = USUAL
    await simulation.run(90)
    left = await simulation.process.conversion.list_states()
    assert "meta" not in {each.provider for each in left}


@pytest.mark.parametrize("channels", [(WHATSAPP,), (SMS, WHATSAPP), (WHATSAPP, VOICE)])
async def test_a_channel_that_is_alone_or_comes_second_is_never_left(
    channels: tuple[Channel, ...],
) -> None:
    simulation = await simulate(channels=ChannelOrder(channels), minutes=0)
    for _ in range(12):
        for _ in range(30):
            simulation.request(
                simulation.process,
                provider="meta",
                recognition=Recognition.DEVICE,
                is_entered=False,
            )
        await simulation.run(1)
    assert await simulation.process.conversion.list_states() == []

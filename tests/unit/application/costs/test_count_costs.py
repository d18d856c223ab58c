"""What is counted of messages and calls."""

import math
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.costs.count_costs import CountCosts
from domain.costs.prices import PriceList
from domain.costs.sums import CostEntry, Costs, CostSums
from domain.otp.delivery import Channel
from domain.statistics.period_sums import DeliveryGroup
from tests.support.counted_events import ended_call, sent_message
from tests.support.fakes.clock import MovableClock

PRICES: Final = PriceList(
    "USD",
    {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 8_300, ("IN", Channel.VOICE): 50_000},
)


class Meter:
    def __init__(self) -> None:
        self.added: list[tuple[DeliveryGroup, int]] = []

    def add(self, group: DeliveryGroup, millionths: int) -> None:
        self.added.append((group, millionths))


def make_count(prices: PriceList | None = PRICES, meter: Meter | None = None) -> CountCosts:
    return CountCosts(
        sums=CostSums("cafe", "USD"),
        prices=prices,
        free_providers={"console"},
        clock=MovableClock(),
        meters=() if meter is None else [meter],
    )


def entries_of(count: CountCosts) -> list[CostEntry]:
    return [entry for daily in count.sums.list_changed() for entry in daily.entries]


def test_a_message_costs_the_price_of_its_country_for_each_part_and_a_meter_gets_it() -> None:
    meter = Meter()
    count, text = make_count(meter=meter), "ж" * 71
    count(sent_message("US", "twilio", text))
    count(sent_message("BR", "twilio", text))
    count(ended_call(60, "IN", "twilio"))
    assert entries_of(count) == [
        CostEntry("US", Channel.SMS, "twilio", Costs(1, 2, 0, 16_600)),
        CostEntry("BR", Channel.SMS, "twilio", Costs(1, 2, 0, 166_000)),
        CostEntry("IN", Channel.VOICE, "twilio", Costs(0, 0, 1, 50_000)),
    ]
    assert meter.added == [
        (DeliveryGroup("US", Channel.SMS, "twilio"), 16_600),
        (DeliveryGroup("BR", Channel.SMS, "twilio"), 166_000),
        (DeliveryGroup("IN", Channel.VOICE, "twilio"), 50_000),
    ]


def test_a_message_by_whatsapp_costs_its_provider_one_price_whatever_its_text() -> None:
    prices = PriceList(
        "USD",
        {("IN", Channel.SMS): 83_000, ("IN", Channel.WHATSAPP): 3_000},
        {("IN", Channel.WHATSAPP, "meta"): 2_500, ("IN", Channel.SMS, "vonage"): 70_000},
    )
    count = make_count(prices)
    for provider, channel in (
        ("meta", Channel.WHATSAPP),
        ("acme:open", Channel.WHATSAPP),
        ("vonage", Channel.SMS),
    ):
        count(sent_message("IN", provider, "ж" * 71, channel))
    assert entries_of(count) == [
        CostEntry("IN", Channel.WHATSAPP, "meta", Costs(1, 1, 0, 2_500)),
        CostEntry("IN", Channel.WHATSAPP, "acme:open", Costs(1, 1, 0, 3_000)),
        CostEntry("IN", Channel.SMS, "vonage", Costs(1, 2, 0, 140_000)),
    ]


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, 1), (60, 1), (60.5, 2), (-5, 1), (math.nan, 1), (math.inf, 1440)],
)
def test_a_call_costs_each_minute_that_began(seconds: float, minutes: int) -> None:
    count = make_count()
    count(ended_call(seconds, "IN", "twilio"))
    costs = Costs(minutes=minutes, millionths=minutes * 50_000)
    assert entries_of(count) == [CostEntry("IN", Channel.VOICE, "twilio", costs)]


def test_nothing_is_counted_without_prices_or_of_a_free_provider() -> None:
    without, free = make_count(prices=None), make_count()
    without(sent_message("IN", "twilio"))
    without(ended_call(60, "IN", "twilio"))
    free(sent_message("IN", "console"))
    free(ended_call(60, "IN", "console"))
    assert entries_of(without) == entries_of(free) == []


@given(st.text(), st.text(), st.text(), st.floats())
def test_counting_never_raises(country: str, provider: str, text: str, seconds: float) -> None:
    count = make_count()
    count(sent_message(country, provider, text))
    count(ended_call(seconds, country, provider))

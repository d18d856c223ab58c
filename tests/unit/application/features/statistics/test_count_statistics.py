"""What is counted of events, messages and calls."""

import math
from contextlib import suppress
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.features.statistics.count_statistics import CountStatistics
from application.features.statistics.feature import StatisticsFeature
from application.ports.otp import DeliveryResult
from application.ports.security_events import SecurityEvent
from domain.errors import DeliveryFailed, PhoneUnreachable
from domain.features.statistics.period_sums import (
    DAY,
    HOUR,
    UNKNOWN,
    Counts,
    DeliveryGroup,
    GroupCounts,
    PeriodCounts,
    PeriodSums,
)
from domain.features.statistics.prices import PriceList
from domain.otp.delivery import Channel
from domain.phone import parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone, an_id
from tests.support.counted_events import (
    PROVIDER,
    accepted,
    delivered,
    ended_call,
    logged_in,
    rejected,
    sent_message,
    unconfirmed,
    undelivered,
)
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import REJECTED
from tests.support.fakes.messenger import UNKNOWN as UNCLEAR

PRICES: Final = PriceList(
    "USD",
    {
        ("IN", Channel.SMS): 83_000,
        ("US", Channel.SMS): 8_300,
        ("IN", Channel.VOICE): 50_000,
        ("IN", Channel.WHATSAPP): 3_000,
    },
    {("IN", Channel.WHATSAPP, "meta"): 2_500, ("IN", Channel.SMS, "vonage"): 70_000},
)


def make_count(
    prices: PriceList | None = PRICES, metered: list[tuple[DeliveryGroup, int]] | None = None
) -> CountStatistics:
    return CountStatistics(
        sums=[PeriodSums(period, "ab12", "USD") for period in (HOUR, DAY)],
        prices=prices,
        free_providers={"console"},
        clock=MovableClock(),
        meter=None if metered is None else lambda *counted: metered.append(counted),
    )


def counted_by(count: CountStatistics) -> PeriodCounts:
    """Return what was counted in the hour, which is that of the day."""
    (hour,), (day,) = (sums.list_changed() for sums in count.sums)
    assert (hour.groups, hour.rejections) == (day.groups, day.rejections)
    return hour


def amounts_of(count: CountStatistics) -> list[tuple[str, int, int]]:
    return [
        (each.group.country, each.counts.millionths, each.counts.line_millionths)
        for each in counted_by(count).groups
    ]


@pytest.mark.parametrize(
    ("event", "group", "counts"),
    [
        (accepted(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(sent=1)),
        (unconfirmed(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(sent=1)),
        (
            accepted(
                phone=parse_phone("+919876543210"), channel=Channel.VOICE, provider="the line"
            ),
            DeliveryGroup("IN", Channel.VOICE, "the line"),
            Counts(sent=1),
        ),
        (
            delivered(country="", provider=""),
            DeliveryGroup(UNKNOWN, Channel.SMS, UNKNOWN),
            Counts(delivered=1),
        ),
        (undelivered(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(undelivered=1)),
        (logged_in(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(logins=1)),
    ],
)
def test_each_event_of_a_message_is_counted(
    event: SecurityEvent, group: DeliveryGroup, counts: Counts
) -> None:
    count = make_count()
    count.record(event)
    assert counted_by(count).groups == (GroupCounts(group, counts),)


def test_rejections_are_counted_by_limit_and_other_events_not_at_all() -> None:
    count = make_count()
    for event in (rejected(), rejected(), rejected(limit="all_total"), rejected(limit="")):
        count.record(event)
    assert counted_by(count).rejections == {"per_ip": 2, "all_total": 1}


def test_nothing_of_a_person_is_counted() -> None:
    events = (logged_in(), rejected(reason="a reason"), delivered())
    count = make_count()
    for event in events:
        count.record(event)
    text = repr(counted_by(count))
    for private in (a_phone().masked, an_id(), "a reason", "0123456789abcdef", "SM1"):
        assert private in repr(events)
        assert private not in text
    assert a_phone().e164 not in text


def test_a_message_costs_the_price_of_its_country_for_each_part_and_a_meter_gets_it() -> None:
    metered: list[tuple[DeliveryGroup, int]] = []
    count, text = make_count(metered=metered), "ж" * 71
    count.count_cost(sent_message("US", "twilio", text))
    count.count_cost(sent_message("BR", "twilio", text))
    count.count_cost(sent_message("IN", "vonage", text))
    assert amounts_of(count) == [("US", 16_600, 0), ("BR", 166_000, 0), ("IN", 140_000, 0)]
    assert metered == [
        (DeliveryGroup("US", Channel.SMS, "twilio"), 16_600),
        (DeliveryGroup("BR", Channel.SMS, "twilio"), 166_000),
        (DeliveryGroup("IN", Channel.SMS, "vonage"), 140_000),
    ]


def test_a_message_by_whatsapp_costs_one_price_whatever_its_text() -> None:
    for provider, amount in (("meta", 2_500), ("acme:open", 3_000)):
        count = make_count()
        count.count_cost(sent_message("IN", provider, "ж" * 71, Channel.WHATSAPP))
        assert amounts_of(count) == [("IN", amount, 0)]


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, 1), (60, 1), (60.5, 2), (-5, 1), (math.nan, 1), (math.inf, 1440)],
)
def test_a_call_costs_each_minute_that_began(seconds: float, minutes: int) -> None:
    count = make_count()
    count.count_cost(ended_call(seconds, "IN", "twilio"))
    assert amounts_of(count) == [("IN", minutes * 50_000, 0)]


def test_calls_of_the_phone_line_are_told_apart_from_those_with_a_code() -> None:
    count = make_count()
    count.count_cost(ended_call(60, "IN"))
    count.count_cost(ended_call(120, "IN", has_code=False))
    assert amounts_of(count) == [("IN", 50_000, 100_000)]


def test_no_amount_is_counted_without_prices_or_of_a_free_provider() -> None:
    without, free = make_count(prices=None), make_count()
    for count, provider in ((without, "twilio"), (free, "console")):
        count.count_cost(sent_message("IN", provider))
        count.count_cost(ended_call(60, "IN", provider))
        assert [sums.list_changed() for sums in count.sums] == [[], []]


@given(st.text(), st.text(), st.text(), st.floats())
def test_counting_never_raises(country: str, provider: str, text: str, seconds: float) -> None:
    count = make_count()
    count.count_cost(sent_message(country, provider, text))
    count.count_cost(ended_call(seconds, country, provider))


@pytest.mark.parametrize(
    ("result", "is_counted"),
    [(UNCLEAR, True), (REJECTED, False)],
)
async def test_a_message_has_an_amount_if_a_provider_took_it_or_may_have(
    result: DeliveryResult, is_counted: bool
) -> None:
    app = AppHarness(policy=make_policy(prices=PRICES))
    app.messenger.result = replace(result, provider="acme")
    with suppress(DeliveryFailed, PhoneUnreachable):
        await app.request_otp()
    amounts = [
        each.counts.millionths
        for counted in app.use_cases.of(StatisticsFeature).count.sums[0].list_changed()
        for each in counted.groups
    ]
    assert amounts == ([8_300] if is_counted else [])


async def test_a_message_to_a_blocked_phone_costs_nothing() -> None:
    app = AppHarness(policy=make_policy(prices=PRICES))
    await app.identities.operator_actions.block(a_phone())
    await app.request_otp()
    assert app.use_cases.of(StatisticsFeature).count.sums[0].list_changed() == []

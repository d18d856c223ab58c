"""What calls cost: those that were answered, once each."""

from dataclasses import replace
from typing import Final

import pytest

from application.features.statistics.feature import StatisticsFeature
from domain.features.statistics.period_sums import Counts, DeliveryGroup, GroupCounts
from domain.features.statistics.prices import PriceList
from domain.features.voice.call import CallStatus
from domain.features.voice.step import Dialed, DialResult
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness
from tests.support.inbound_call import OPERATOR, InboundCall, join, make_phone_line

PRICES: Final = PriceList(
    "USD",
    {("IN", Channel.SMS): 83_000, ("IN", Channel.VOICE): 50_000, ("US", Channel.VOICE): 14_000},
)


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=make_phone_line(prices=PRICES, provider="acme"))


def counted(app: AppHarness) -> list[GroupCounts]:
    """Return the amounts that were counted in this hour."""
    hours = app.use_cases.of(StatisticsFeature).count.sums[0]
    return [
        replace(each, counts=replace(each.counts, sent=0, logins=0))
        for hour in hours.list_changed()
        for each in hour.groups
        if each.counts.millionths or each.counts.line_millionths
    ]


def minutes_of(country: str, minutes: int, price: int) -> GroupCounts:
    """Return the amount of a call of the phone line."""
    group = DeliveryGroup(country, Channel.VOICE, "acme")
    return GroupCounts(group, Counts(line_millionths=minutes * price))


@pytest.mark.parametrize(
    ("status", "seconds", "costs"),
    [
        (CallStatus.COMPLETED, 61, [minutes_of("IN", 2, 50_000)]),
        (CallStatus.COMPLETED, None, [minutes_of("IN", 3, 50_000)]),
        (CallStatus.NO_ANSWER, 0, []),
    ],
)
async def test_an_answered_call_costs_the_minutes_that_the_provider_or_else_its_record_says(
    app: AppHarness, status: CallStatus, seconds: int | None, costs: list[GroupCounts]
) -> None:
    call = await InboundCall(app).ring()
    app.advance(seconds=150)
    for _ in ("reported", "repeated"):
        await app.report_call(call.id, status, seconds=seconds)
    assert counted(app) == costs


@pytest.mark.parametrize(
    ("dialed", "costs"),
    [
        (Dialed(DialResult.ANSWERED, 125), [minutes_of(OPERATOR.country, 3, 14_000)]),
        (Dialed(DialResult.NO_ANSWER, 0), []),
    ],
)
async def test_an_operator_who_answers_costs_the_price_of_the_operators_country(
    app: AppHarness, dialed: Dialed, costs: list[GroupCounts]
) -> None:
    await join(app)
    before = counted(app)
    call = await InboundCall(app, sid="CA2").ring("1")
    await call.send(call.position, dialed)
    await call.repeat()
    assert counted(app) == [*before, *costs]

"""The figures of providers: shares, amounts, and the price of a code that was entered."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from domain.errors import InvalidValue
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import (
    MAX_GROUPS,
    ONE_HOUR,
    OTHER,
    DeliveryCounts,
    HourlyCost,
    HourlySums,
)
from domain.statistics.period_sums import DeliveryGroup
from domain.statistics.provider_report import (
    ProviderFigures,
    ProviderSummary,
    ProviderSums,
    make_provider_query,
    parse_time,
)
from tests.support.builders import NOW

TWILIO: Final = DeliveryGroup("IN", Channel.SMS, "twilio")
META: Final = DeliveryGroup("IN", Channel.WHATSAPP, "meta")
US: Final = DeliveryGroup("US", Channel.SMS, "twilio")
HOUR: Final = NOW.replace(minute=0, second=0, microsecond=0)


def summarize(
    sums: HourlySums, country: str | None = None, *others: HourlySums, **kinds: bool
) -> ProviderSummary:
    report = ProviderSums(make_provider_query(NOW, None, None, country))
    for each in (sums, *others):
        for hourly in each.list_changed():
            report.add(hourly)
    return report.summarize(has_amounts=kinds.get("has_amounts", True))


def count_some() -> HourlySums:
    sums = HourlySums("ab12")
    sums.currency = "USD"
    for moment in (NOW, NOW - 2 * ONE_HOUR):
        sums.add_delivery(moment, TWILIO, DeliveryCounts(100, 90, 5, 80))
        sums.add_cost(moment, TWILIO, 8_300_000)
    sums.add_delivery(NOW, META, DeliveryCounts(sent=400, logins=300))
    sums.add_cost(NOW, META, 1_000_000)
    sums.add_delivery(NOW, US, DeliveryCounts(sent=10))
    return sums


def test_rows_are_by_country_channel_and_provider_with_a_total() -> None:
    summary = summarize(count_some())

    assert summary.currency == "USD"
    assert [(row.group, row.figures) for row in summary.rows] == [
        (META, ProviderFigures(DeliveryCounts(sent=400, logins=300), 1_000_000, silent=400)),
        (TWILIO, ProviderFigures(DeliveryCounts(200, 180, 10, 160), 16_600_000)),
        (US, ProviderFigures(DeliveryCounts(sent=10), 0, silent=10)),
    ]
    assert summary.total == ProviderFigures(
        DeliveryCounts(610, 180, 10, 460), 17_600_000, silent=410
    )
    assert [row.group for row in summarize(count_some(), "US").rows] == [US]


def test_a_share_is_unknown_where_nothing_is_reported_or_sent() -> None:
    meta, twilio, us = (row.figures for row in summarize(count_some()).rows)

    assert (twilio.delivered_percent, twilio.entered_percent) == (90.0, 80.0)
    assert twilio.price_of_entered == 103_750
    assert (meta.delivered_percent, meta.entered_percent) == (None, 75.0)
    assert meta.price_of_entered == 3_333
    assert (us.entered_percent, us.price_of_entered) == (0.0, None)
    assert ProviderFigures(DeliveryCounts(logins=1), 5).entered_percent is None


def test_the_total_of_what_was_delivered_is_of_those_that_report() -> None:
    assert summarize(count_some()).total.delivered_percent == 90.0
    nothing = ProviderFigures(DeliveryCounts(sent=7, logins=7), None, silent=7)
    assert (nothing.delivered, nothing.delivered_percent) == (None, None)
    of_the_hour_before = ProviderFigures(DeliveryCounts(delivered=2), None)
    assert (of_the_hour_before.delivered, of_the_hour_before.delivered_percent) == (2, None)


@pytest.mark.parametrize("currency", ["", "EUR"])
def test_a_code_is_not_cheaper_by_logins_without_an_amount(currency: str) -> None:
    before = HourlySums("cd34")
    before.currency = currency
    before.add_delivery(NOW - 3 * ONE_HOUR, TWILIO, DeliveryCounts(300, 270, 15, 240))
    gone = DeliveryGroup("IN", Channel.SMS, "acme")
    before.add_delivery(NOW - 3 * ONE_HOUR, gone, DeliveryCounts(sent=9, logins=5))
    summary = summarize(count_some(), "IN", before)
    rows = {row.group: row.figures for row in summary.rows}

    assert rows[TWILIO].counts == DeliveryCounts(500, 450, 25, 400)
    assert (rows[TWILIO].millionths, rows[TWILIO].price_of_entered) == (16_600_000, 103_750)
    assert rows[TWILIO].without_amount == DeliveryCounts(300, 270, 15, 240)
    assert (rows[gone].millionths, rows[gone].price_of_entered) == (None, None)
    assert rows[META].without_amount == DeliveryCounts()
    assert (summary.total.without_amount.sent, summary.total.price_of_entered) == (309, 38_261)
    hidden = summarize(count_some(), "IN", before, has_amounts=False)
    assert hidden.total.without_amount == DeliveryCounts()


def test_a_price_is_rounded_as_a_whole_number() -> None:
    assert ProviderFigures(DeliveryCounts(logins=2), 3).price_of_entered == 2
    assert ProviderFigures(DeliveryCounts(logins=2), 2**63 - 1).price_of_entered == 2**62


def test_amounts_are_shown_only_to_readers_of_costs_and_in_the_latest_currency() -> None:
    sums = count_some()
    assert summarize(sums, has_amounts=False).currency == ""
    assert summarize(sums, has_amounts=False).total.millionths is None
    assert summarize(HourlySums("ab12")).total == ProviderFigures(DeliveryCounts(), None)

    before = HourlySums("cd34")
    before.currency = "EUR"
    before.add_cost(NOW - 5 * ONE_HOUR, US, 7)
    summary = summarize(sums, None, before)
    assert (summary.currency, summary.total.millionths) == ("USD", 17_600_000)


def test_costs_of_too_many_groups_are_counted_together() -> None:
    sums = HourlySums("ab12")
    for number in range(MAX_GROUPS + 2):
        sums.add_cost(NOW, DeliveryGroup("IN", Channel.SMS, str(number)), 1)
    (hourly,) = sums.list_changed()

    assert len(hourly.costs) == MAX_GROUPS + 1
    assert hourly.costs[-1] == HourlyCost(OTHER, Channel.SMS, OTHER, 2)


@pytest.mark.parametrize(
    ("text", "is_end", "hour"),
    [
        ("2026-07-01", False, "2026-07-01T00:00:00+00:00"),
        ("2026-07-01", True, "2026-07-01T23:00:00+00:00"),
        ("2026-07-01T13", False, "2026-07-01T13:00:00+00:00"),
        ("2026-07-01T13", True, "2026-07-01T13:00:00+00:00"),
    ],
)
def test_a_time_is_a_day_or_an_hour(text: str, is_end: bool, hour: str) -> None:
    assert parse_time(text, is_end=is_end) == datetime.fromisoformat(hour)


@pytest.mark.parametrize("text", ["", "2026-02-30", "2026-07-01T24", "2026-07-01T13:30", "now"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(InvalidValue, match="Write a day like"):
        parse_time(text, is_end=False)


def test_a_period_is_a_day_by_default_and_ends_now_at_most() -> None:
    by_default = make_provider_query(NOW, None, None, None)
    assert (by_default.first_hour, by_default.last_hour) == (HOUR - 23 * ONE_HOUR, HOUR)

    later = make_provider_query(NOW, HOUR, HOUR + timedelta(days=1), "IN")
    assert (later.first_hour, later.last_hour, later.country) == (HOUR, HOUR, "IN")

    for first, last, problem in (
        (HOUR, HOUR - ONE_HOUR, "later than the last"),
        (HOUR + ONE_HOUR, None, "later than the last"),
        (HOUR - timedelta(days=8), None, "for 8 days"),
    ):
        with pytest.raises(InvalidValue, match=problem):
            make_provider_query(NOW, first, last, None)

"""The period of a report, and its rows."""

from datetime import date
from typing import Final

import pytest

from domain.costs.report import (
    CostGroup,
    CostPeriod,
    CostRow,
    make_period,
    parse_day,
    parse_group,
    sum_rows,
)
from domain.costs.sums import CostEntry, Costs
from domain.errors import InvalidValue, UnsupportedValue
from domain.otp.delivery import Channel

TODAY: Final = date(2026, 7, 20)


def test_a_report_is_by_default_of_the_month_until_today() -> None:
    assert make_period(None, None, TODAY) == CostPeriod(date(2026, 7, 1), TODAY)
    june = CostPeriod(date(2026, 6, 1), date(2026, 6, 30))
    assert make_period(None, june.last_day, TODAY) == june


def test_a_report_has_at_most_400_days_and_ends_after_its_start() -> None:
    make_period(date(2025, 6, 16), TODAY, TODAY)
    with pytest.raises(InvalidValue, match="400 days"):
        make_period(date(2025, 6, 15), TODAY, TODAY)
    with pytest.raises(InvalidValue, match="later than the last"):
        make_period(date(2026, 7, 21), None, TODAY)


@pytest.mark.parametrize("text", ["", "today", "2026-7-1", "20260701", "2026-02-30", "2026-W01-1"])
def test_a_day_is_year_month_and_day(text: str) -> None:
    assert parse_day("2026-02-28") == date(2026, 2, 28)
    with pytest.raises(InvalidValue, match="2026-07-01"):
        parse_day(text)


def test_costs_are_summed_by_country_provider_or_channel() -> None:
    entry = CostEntry("IN", Channel.SMS, "twilio", Costs())
    groups = [parse_group(text) for text in ("country", "provider", "channel")]
    assert [group.name_of(entry) for group in groups] == ["IN", "twilio", "sms"]
    assert groups == [*CostGroup]
    with pytest.raises(UnsupportedValue, match="country, provider, channel"):
        parse_group("day")


def test_rows_of_one_name_and_currency_are_one_and_the_highest_is_first() -> None:
    def row(name: str, currency: str, millionths: int) -> CostRow:
        return CostRow(name, currency, Costs(millionths=millionths))

    rows = [row("US", "USD", 3), row("IN", "USD", 2), row("IN", "USD", 2), row("IN", "EUR", 9)]

    assert sum_rows(rows) == [row("IN", "EUR", 9), row("IN", "USD", 4), row("US", "USD", 3)]

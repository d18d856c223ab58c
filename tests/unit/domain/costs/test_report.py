"""The period of a report, and its rows."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import pytest

from domain.costs.report import (
    CostGroup,
    CostPeriod,
    CostReport,
    CostRow,
    make_period,
    parse_day,
    parse_groups,
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
    groups = [*parse_groups("country"), *parse_groups("provider,channel")]
    assert [group.name_of(entry) for group in groups] == ["IN", "twilio", "sms"]
    assert groups == [*CostGroup]


@pytest.mark.parametrize(
    "text", ["", "day", "country,day", "country,country", "country,provider,channel", "country,"]
)
def test_what_costs_are_not_summed_by_is_an_error_that_says_what_is_possible(text: str) -> None:
    with pytest.raises(UnsupportedValue, match="country, provider or channel, or by two of these"):
        parse_groups(text)


def test_rows_of_one_name_and_currency_are_one_and_the_highest_is_first() -> None:
    def row(name: str, currency: str, millionths: int) -> CostRow:
        return CostRow((name,), currency, Costs(millionths=millionths))

    rows = [row("US", "USD", 3), row("IN", "USD", 2), row("IN", "USD", 2), row("IN", "EUR", 9)]

    assert sum_rows(rows) == [row("IN", "EUR", 9), row("IN", "USD", 4), row("US", "USD", 3)]


def test_by_two_the_rows_of_one_first_name_stand_together() -> None:
    amounts = {("US", "a"): 5, ("IN", "a"): 3, ("IN", "b"): 4}
    rows = sum_rows(CostRow(names, "USD", Costs(millionths=n)) for names, n in amounts.items())
    report = CostReport(CostPeriod(TODAY, TODAY), parse_groups("country,provider"), rows)

    def named(rows: Sequence[CostRow]) -> list[tuple[str, int]]:
        return [(row.name, row.costs.millionths) for row in rows]

    assert named(report.rows) == [("IN,b", 4), ("IN,a", 3), ("US,a", 5)]
    assert named(report.sums) == [("IN", 7), ("US", 5)]
    assert named(report.totals) == [("total", 12)]

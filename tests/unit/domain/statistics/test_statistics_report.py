"""Which hours a report of statistics has, and how its sums are in order."""

from typing import Final

import pytest

from domain.errors import InvalidValue
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import (
    ONE_HOUR,
    DeliveryCounts,
    DeliveryEntry,
    HourlyCounts,
    NamedCount,
)
from domain.statistics.report import (
    MAX_HOURS,
    MAX_PROVIDER_LENGTH,
    CountRow,
    StatisticsSums,
    make_query,
    parse_counted_country,
    parse_counted_provider,
)
from tests.support.builders import NOW

HOUR: Final = NOW.replace(minute=0, second=0, microsecond=0)
RECORDS: Final = [
    HourlyCounts(
        id=f"{number}",
        starts_at=HOUR - number * ONE_HOUR,
        deliveries=(
            DeliveryEntry("IN", Channel.SMS, "twilio", DeliveryCounts(2, 1, 1, 1)),
            DeliveryEntry("US", Channel.VOICE, "acme:open", DeliveryCounts(5 * number, 0, 0, 0)),
        ),
        rejections=(NamedCount("per_ip", 1), NamedCount("all_total", 3)),
        events=(NamedCount("otp_accepted", 2),),
    )
    for number in range(2)
]


def test_a_report_sums_by_hour_country_provider_and_channel() -> None:
    sums = StatisticsSums(make_query(NOW, 3))
    for record in RECORDS:
        sums.add(record)
    report = sums.report()

    india, usa = DeliveryCounts(4, 2, 2, 2), DeliveryCounts(5, 0, 0, 0)
    assert report.total == india + usa
    assert report.by_country == [CountRow("US", usa), CountRow("IN", india)]
    assert report.by_provider == [CountRow("acme:open", usa), CountRow("twilio", india)]
    assert report.by_channel == [CountRow("voice", usa), CountRow("sms", india)]
    assert [(row.starts_at, row.counts.sent) for row in report.by_hour] == [
        (HOUR - 2 * ONE_HOUR, 0),
        (HOUR - ONE_HOUR, 7),
        (HOUR, 2),
    ]
    assert [*report.rejections.items()] == [("all_total", 6), ("per_ip", 2)]
    assert [row.rejections for row in report.by_hour][1:] == [{"all_total": 3, "per_ip": 1}] * 2
    assert report.events == {"otp_accepted": 4}


def test_messages_are_selected_by_country_and_provider() -> None:
    for country, provider, sent in (
        ("IN", None, 4),
        (None, "acme:open", 5),
        ("IN", "acme:open", 0),
    ):
        sums = StatisticsSums(make_query(NOW, 2, country=country, provider=provider))
        for record in RECORDS:
            sums.add(record)
        report = sums.report()
        assert report.total.sent == sent
        assert report.rejections == {"all_total": 6, "per_ip": 2}


def test_a_report_has_at_most_a_week_and_its_last_hour_is_not_over() -> None:
    assert make_query(NOW, 1).hours == [HOUR]
    hours = make_query(NOW, MAX_HOURS).hours
    assert (hours[0], hours[-1]) == (HOUR - (MAX_HOURS - 1) * ONE_HOUR, HOUR)
    for count in (0, MAX_HOURS + 1):
        with pytest.raises(InvalidValue, match="1 to 168"):
            make_query(NOW, count)


def test_countries_and_providers_are_parsed() -> None:
    for text, country in (("in", "IN"), ("001", "001"), ("other", "other"), ("unknown", "unknown")):
        assert parse_counted_country(text) == country
    assert parse_counted_provider("acme:open") == "acme:open"
    for parse, text, message in (
        (parse_counted_country, "India", "country"),
        (parse_counted_provider, "", "one line"),
        (parse_counted_provider, "a\nb", "one line"),
        (parse_counted_provider, "a" * (MAX_PROVIDER_LENGTH + 1), "at most"),
    ):
        with pytest.raises(InvalidValue, match=message):
            parse(text)

"""What a process keeps of each hour and each day, and how a report sums it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import pytest

from domain.errors import InvalidValue, UnsupportedValue
from domain.features import statistics
from domain.features.statistics import (
    DAY,
    HOUR,
    MAX_HOURS,
    OTHER,
    CountedGroup,
    CountedPrefix,
    Dimension,
    GroupCount,
    GroupRow,
    PeriodCounts,
    PeriodSums,
    Result,
    StatisticsSums,
    limit_groups,
    limit_prefixes,
    parse_day,
    parse_dimensions,
    query_days,
    query_hours,
)
from domain.otp.delivery import Channel
from tests.support.builders import NOW

START: Final = NOW.replace(minute=0, second=0, microsecond=0)
ONE_HOUR: Final = timedelta(hours=1)
INDIA: Final = CountedGroup("IN", Channel.SMS, "twilio", Result.SENT)
REJECTED: Final = CountedGroup("IN", Channel.SMS, "none", Result.REJECTED, "per_ip")

Sums: TypeAlias = PeriodSums[CountedGroup]


@pytest.fixture
def sums() -> Sums:
    return PeriodSums(HOUR, "ab12", limit_groups)


def write_all(sums: Sums) -> list[PeriodCounts[CountedGroup]]:
    written = [*sums.list_changed()]
    for counted in written:
        sums.mark_written(counted)
    return written


def test_an_hour_is_one_record_of_this_process_with_all_sums(
    sums: Sums,
) -> None:
    for moment in (START, START + timedelta(minutes=59)):
        sums.add(moment, INDIA, 3)
    for _ in range(2):
        sums.add(START, REJECTED)

    assert write_all(sums) == [
        PeriodCounts(
            id=f"{START:%Y-%m-%dT%H}:ab12.1",
            starts_at=START,
            expires_at=START + timedelta(days=8),
            groups=(GroupCount(INDIA, 6), GroupCount(REJECTED, 2)),
        )
    ]


def test_a_day_of_utc_is_one_record_for_400_days() -> None:
    sums = PeriodSums(DAY, "ab12", limit_groups)
    midnight = START.replace(hour=0)
    for moment in (midnight, midnight + timedelta(hours=23.99)):
        sums.add(moment.astimezone(tz=None), INDIA)
    (counted,) = sums.list_changed()
    assert (counted.starts_at, counted.expires_at) == (midnight, midnight + timedelta(days=400))
    assert counted.groups == (GroupCount(INDIA, 2),)


def test_only_what_has_changed_is_written_again(sums: Sums) -> None:
    sums.add(START, REJECTED)
    sums.add(START + ONE_HOUR, REJECTED)
    assert len(write_all(sums)) == 2
    assert write_all(sums) == []
    # The hour before is kept for a clock that is set back.
    sums.add(START, REJECTED)
    assert [counted.groups for counted in write_all(sums)] == [(GroupCount(REJECTED, 2),)]
    # What is counted during a write is in the next one.
    sums.add(START, REJECTED)
    (written,) = sums.list_changed()
    sums.add(START, REJECTED)
    sums.mark_written(written)
    assert [counted.groups for counted in write_all(sums)] == [(GroupCount(REJECTED, 4),)]


def test_an_hour_that_is_over_is_forgotten_only_when_all_of_it_is_written(
    sums: Sums,
) -> None:
    sums.add(START, REJECTED)
    write_all(sums)
    sums.add(START, REJECTED)
    sums.add(START + 2 * ONE_HOUR, REJECTED)

    unwritten, current = sums.list_changed()
    sums.mark_written(current)
    assert sums.list_changed() == [unwritten]

    write_all(sums)
    sums.mark_written(current)
    sums.add(START, REJECTED)
    assert [counted.groups for counted in sums.list_changed()] == [(GroupCount(REJECTED, 1),)]


def test_a_clock_that_is_set_back_by_hours_overwrites_no_record(
    sums: Sums,
) -> None:
    written = []
    for hour in (START, START + 5 * ONE_HOUR, START):
        sums.add(hour, REJECTED)
        written += write_all(sums)
    assert [counted.starts_at for counted in written] == [START, START + 5 * ONE_HOUR, START]
    assert len({counted.id for counted in written}) == 3


def test_groups_that_are_too_many_are_counted_as_other(
    sums: Sums, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MAX_GROUPS", 2)
    for country in ("IN", "US", "DE", "FR", "IN"):
        sums.add(START, replace(INDIA, country=country))
    (counted,) = sums.list_changed()
    assert [(each.group.country, each.count) for each in counted.groups] == [
        ("IN", 2),
        ("US", 1),
        (OTHER, 2),
    ]


def test_prefixes_that_are_too_many_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_PREFIXES", 2)
    sums = PeriodSums(HOUR, "ab12", limit_prefixes)
    for prefix in ("+99450", "+4479", "+1415", "+1212", "+4479"):
        for result in (Result.SENT, Result.LOGINS):
            sums.add(START, CountedPrefix(prefix, result))
    (counted,) = sums.list_changed()
    sent = [each for each in counted.groups if each.group.result is Result.SENT]
    assert [(each.group.prefix, each.count) for each in sent] == [
        ("+99450", 1),
        ("+4479", 2),
        (OTHER, 2),
    ]
    assert len(counted.groups) == 6


BY_COUNTRY: Final = [Dimension.COUNTRY]


def counted(number: int) -> PeriodCounts[CountedGroup]:
    starts_at = START - number * ONE_HOUR
    return PeriodCounts(
        id=f"{number}",
        starts_at=starts_at,
        expires_at=starts_at + timedelta(days=8),
        groups=(
            GroupCount(CountedGroup("IN", Channel.SMS, "twilio", Result.SENT), 2),
            GroupCount(CountedGroup("IN", Channel.SMS, "twilio", Result.LOGINS), 1),
            GroupCount(CountedGroup("US", Channel.VOICE, "acme:open", Result.SENT), 5 * number),
            GroupCount(CountedGroup("US", Channel.SMS, "twilio", Result.SENT), 1),
            GroupCount(CountedGroup("IN", Channel.SMS, "none", Result.REJECTED, "per_ip"), 1),
            GroupCount(CountedGroup("US", Channel.SMS, "none", Result.REJECTED, "all_total"), 3),
        ),
    )


def test_a_report_sums_by_one_dimension_and_by_hour() -> None:
    sums = StatisticsSums(query_hours(NOW, 3, BY_COUNTRY))
    for number in range(2):
        sums.add(counted(number))
    report = sums.report()

    india = {Result.SENT: 4, Result.LOGINS: 2, Result.REJECTED: 2}
    usa = {Result.SENT: 7, Result.REJECTED: 6}
    assert report.total == {Result.SENT: 11, Result.LOGINS: 2, Result.REJECTED: 8}
    assert report.rows == [GroupRow(("US",), Counter(usa)), GroupRow(("IN",), Counter(india))]
    assert [(row.starts_at, row.counts[Result.SENT]) for row in report.by_period] == [
        (START - 2 * ONE_HOUR, 0),
        (START - ONE_HOUR, 8),
        (START, 3),
    ]
    assert [*report.rejections.items()] == [("all_total", 6), ("per_ip", 2)]
    assert [row.rejections for row in report.by_period][1:] == [{"all_total": 3, "per_ip": 1}] * 2


def test_a_prefix_is_shown_from_twenty_messages_on_beside_the_total_of_all() -> None:
    sums = StatisticsSums(query_hours(NOW, 2, [Dimension.PREFIX]))
    sums.add(counted(1))
    for hour in (START, START - ONE_HOUR):
        groups = [
            GroupCount(CountedPrefix(prefix, result), number)
            for prefix, result, number in (
                ("+99450", Result.SENT, 10),
                ("+99450", Result.LOGINS, 1),
                ("+4479", Result.NOT_TAKEN, 30),
                ("+1415", Result.SENT, 9),
                ("+1212", Result.SENT, 9),
            )
        ]
        sums.add_prefixes(PeriodCounts(id="1", starts_at=hour, expires_at=hour, groups=(*groups,)))
    report = sums.report()
    assert report.rows == [
        GroupRow((OTHER,), Counter({Result.SENT: 36, Result.NOT_TAKEN: 60})),
        GroupRow(("+99450",), Counter({Result.SENT: 20, Result.LOGINS: 2})),
    ]
    assert report.total == {Result.SENT: 8, Result.LOGINS: 1, Result.REJECTED: 4}


def test_hours_are_at_most_a_week_and_the_last_one_is_not_over() -> None:
    assert query_hours(NOW, 1, BY_COUNTRY).starts == [START]
    starts = query_hours(NOW, MAX_HOURS, BY_COUNTRY).starts
    assert (starts[0], starts[-1]) == (START - (MAX_HOURS - 1) * ONE_HOUR, START)
    for count in (0, MAX_HOURS + 1):
        with pytest.raises(InvalidValue, match="1 to 168"):
            query_hours(NOW, count, BY_COUNTRY)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (None, None, [1, 2, 3]),
        (date(2026, 5, 2), None, [2, 3]),
        (None, date(2026, 5, 2), [1, 2]),
        (date(2026, 5, 3), date(2026, 5, 3), [3]),
    ],
)
def test_days_are_those_of_this_month_until_today_by_default(
    first: date | None, last: date | None, days: list[int]
) -> None:
    now = datetime(2026, 5, 3, 23, 59, tzinfo=UTC)
    starts = query_days(now, first, last, BY_COUNTRY).starts
    assert starts == [datetime(2026, 5, day, tzinfo=UTC) for day in days]


def test_days_that_are_too_many_or_in_the_wrong_order_are_rejected() -> None:
    first = date(2026, 5, 1)
    assert len(query_days(NOW, first, first + timedelta(days=399), BY_COUNTRY).starts) == 400
    with pytest.raises(InvalidValue, match="1 to 400 days"):
        query_days(NOW, first, first + timedelta(days=400), BY_COUNTRY)
    with pytest.raises(InvalidValue, match="later than the last"):
        query_days(NOW, first, first - timedelta(days=1), BY_COUNTRY)


def test_a_report_is_for_days_and_by_one_or_two_dimensions() -> None:
    assert parse_day("2026-07-01") == date(2026, 7, 1)
    for text in ("2026-7-1", "2026-02-30", "20260701", "", "2026-07-01T00:00"):
        with pytest.raises(InvalidValue, match="like 2026-07-01"):
            parse_day(text)
    assert parse_dimensions("provider") == [Dimension.PROVIDER]
    for text in ("", "hour", "country,country", "country,channel,provider", "country,prefix"):
        with pytest.raises(UnsupportedValue, match="or by two of these"):
            parse_dimensions(text)

"""What a process keeps of each hour and each day, and for how long."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from domain.features import statistics
from domain.features.statistics import (
    DAY,
    HOUR,
    MAX_UNWRITTEN_PERIODS,
    OTHER,
    CountedGroup,
    GroupCount,
    PeriodCounts,
    PeriodSums,
    Result,
)
from domain.otp.delivery import Channel
from tests.support.builders import NOW

START: Final = NOW.replace(minute=0, second=0, microsecond=0)
ONE_HOUR: Final = timedelta(hours=1)
INDIA: Final = CountedGroup("IN", Channel.SMS, "twilio", Result.SENT)
REJECTED: Final = CountedGroup("IN", Channel.SMS, "none", Result.REJECTED, "per_ip")


@pytest.fixture
def sums() -> PeriodSums:
    return PeriodSums(HOUR, "ab12")


def write_all(sums: PeriodSums) -> list[PeriodCounts]:
    written = [*sums.list_changed()]
    for counted in written:
        sums.mark_written(counted)
    return written


def test_an_hour_is_one_record_of_this_process_with_all_sums(sums: PeriodSums) -> None:
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
    sums = PeriodSums(DAY, "ab12")
    midnight = START.replace(hour=0)
    for moment in (midnight, midnight + timedelta(hours=23.99)):
        sums.add(moment.astimezone(tz=None), INDIA)
    (counted,) = sums.list_changed()
    assert (counted.starts_at, counted.expires_at) == (midnight, midnight + timedelta(days=400))
    assert counted.groups == (GroupCount(INDIA, 2),)


def test_only_what_has_changed_is_written_again(sums: PeriodSums) -> None:
    sums.add(START, REJECTED)
    sums.add(START + ONE_HOUR, REJECTED)
    assert len(write_all(sums)) == 2
    assert write_all(sums) == []
    # The hour before is kept for a clock that is set back.
    sums.add(START, REJECTED)
    assert [counted.groups for counted in write_all(sums)] == [(GroupCount(REJECTED, 2),)]


def test_what_is_counted_during_a_write_is_in_the_next_one(sums: PeriodSums) -> None:
    sums.add(START, REJECTED)
    (written,) = sums.list_changed()
    sums.add(START, REJECTED)
    sums.mark_written(written)
    assert [counted.groups for counted in write_all(sums)] == [(GroupCount(REJECTED, 2),)]


def test_an_hour_that_is_over_is_forgotten_only_when_all_of_it_is_written(
    sums: PeriodSums,
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


def test_a_clock_that_is_set_back_by_hours_overwrites_no_record(sums: PeriodSums) -> None:
    written = []
    for hour in (START, START + 5 * ONE_HOUR, START):
        sums.add(hour, REJECTED)
        written += write_all(sums)
    assert [counted.starts_at for counted in written] == [START, START + 5 * ONE_HOUR, START]
    assert len({counted.id for counted in written}) == 3


def test_a_process_without_a_database_keeps_a_day(sums: PeriodSums) -> None:
    sums.add(START, REJECTED)
    (first,) = sums.list_changed()
    later = [START + number * ONE_HOUR for number in range(1, MAX_UNWRITTEN_PERIODS + 1)]
    for hour in later:
        sums.add(hour, REJECTED)
    sums.mark_written(first)  # it was dropped during its write
    assert [counted.starts_at for counted in write_all(sums)] == later
    assert write_all(sums) == []


def test_groups_that_are_too_many_are_counted_as_other(
    sums: PeriodSums, monkeypatch: pytest.MonkeyPatch
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

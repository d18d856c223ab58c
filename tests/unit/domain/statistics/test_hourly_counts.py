"""What a process keeps of each hour, and for how long."""

from datetime import timedelta
from typing import Final

import pytest

from domain.otp.delivery import Channel
from domain.statistics import hourly_counts
from domain.statistics.hourly_counts import (
    MAX_UNWRITTEN_HOURS,
    ONE_HOUR,
    OTHER,
    DeliveryCounts,
    DeliveryEntry,
    HourlyCounts,
    HourlySums,
    NamedCount,
)
from domain.statistics.period_sums import DeliveryGroup
from tests.support.builders import NOW

HOUR: Final = NOW.replace(minute=0, second=0, microsecond=0)
INDIA: Final = DeliveryGroup("IN", Channel.SMS, "twilio")
ONE_SENT: Final = DeliveryCounts(sent=1)


@pytest.fixture
def sums() -> HourlySums:
    return HourlySums("ab12")


def write_all(sums: HourlySums) -> list[HourlyCounts]:
    written = [*sums.list_changed()]
    for hourly in written:
        sums.mark_written(hourly)
    return written


def test_an_hour_is_one_record_of_this_process_with_all_sums(sums: HourlySums) -> None:
    sums.add_delivery(HOUR, INDIA, ONE_SENT)
    sums.add_delivery(HOUR + timedelta(minutes=59), INDIA, DeliveryCounts(logins=1))
    sums.add_event(HOUR, "otp_accepted")
    for _ in range(2):
        sums.add_rejection(HOUR, "per_ip")

    assert write_all(sums) == [
        HourlyCounts(
            id=f"{HOUR:%Y-%m-%dT%H}:ab12.1",
            starts_at=HOUR,
            deliveries=(DeliveryEntry("IN", Channel.SMS, "twilio", DeliveryCounts(1, 0, 0, 1)),),
            rejections=(NamedCount("per_ip", 2),),
            events=(NamedCount("otp_accepted", 1),),
        )
    ]


def test_only_what_has_changed_is_written_again(sums: HourlySums) -> None:
    sums.add_event(HOUR, "login_succeeded")
    sums.add_event(HOUR + ONE_HOUR, "login_succeeded")
    assert len(write_all(sums)) == 2
    assert write_all(sums) == []
    # The hour before is kept for a clock that is set back.
    sums.add_event(HOUR, "login_succeeded")
    assert [hourly.events for hourly in write_all(sums)] == [(NamedCount("login_succeeded", 2),)]


def test_what_is_counted_during_a_write_is_in_the_next_one(sums: HourlySums) -> None:
    sums.add_event(HOUR, "otp_requested")
    (written,) = sums.list_changed()
    sums.add_event(HOUR, "otp_requested")
    sums.mark_written(written)
    assert [hourly.events for hourly in write_all(sums)] == [(NamedCount("otp_requested", 2),)]


def test_an_hour_that_is_over_is_forgotten_only_when_all_of_it_is_written(
    sums: HourlySums,
) -> None:
    sums.add_event(HOUR, "otp_requested")
    write_all(sums)
    sums.add_event(HOUR, "otp_requested")
    sums.add_event(HOUR + 2 * ONE_HOUR, "otp_requested")

    unwritten, current = sums.list_changed()
    sums.mark_written(current)
    assert sums.list_changed() == [unwritten]

    write_all(sums)
    sums.mark_written(current)
    sums.add_event(HOUR, "otp_requested")
    assert [hourly.events for hourly in sums.list_changed()] == [(NamedCount("otp_requested", 1),)]


def test_a_clock_that_is_set_back_by_hours_overwrites_no_record(sums: HourlySums) -> None:
    written = []
    for hour in (HOUR, HOUR + 5 * ONE_HOUR, HOUR):
        sums.add_event(hour, "otp_requested")
        written += write_all(sums)
    assert [hourly.starts_at for hourly in written] == [HOUR, HOUR + 5 * ONE_HOUR, HOUR]
    assert len({hourly.id for hourly in written}) == 3


def test_a_process_without_a_database_keeps_a_day(sums: HourlySums) -> None:
    sums.add_event(HOUR, "otp_requested")
    (first,) = sums.list_changed()
    later = [HOUR + number * ONE_HOUR for number in range(1, MAX_UNWRITTEN_HOURS + 1)]
    for hour in later:
        sums.add_event(hour, "otp_requested")
    sums.mark_written(first)  # it was dropped during its write
    assert [hourly.starts_at for hourly in write_all(sums)] == later
    assert write_all(sums) == []


def test_groups_that_are_too_many_are_counted_as_other(
    sums: HourlySums, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hourly_counts, "MAX_GROUPS", 2)
    for country in ("IN", "US", "DE", "FR", "IN"):
        sums.add_delivery(HOUR, DeliveryGroup(country, Channel.SMS, "twilio"), ONE_SENT)
    (hourly,) = sums.list_changed()
    assert [(entry.country, entry.counts.sent) for entry in hourly.deliveries] == [
        ("IN", 2),
        ("US", 1),
        (OTHER, 2),
    ]


def test_the_conversion_is_logins_in_percent_of_what_was_sent() -> None:
    assert DeliveryCounts(sent=3, logins=2).conversion == 67
    assert DeliveryCounts(logins=2).conversion is None

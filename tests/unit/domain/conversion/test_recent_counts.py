"""What all processes counted, as one of them reads it."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from domain.conversion.counts import (
    HOUR,
    MINUTE,
    CellCounts,
    ConversionCell,
    ConversionCounts,
    ConversionSource,
    HourConversion,
    MinuteConversion,
    SourceCells,
    SourceSum,
    start_of,
)
from domain.conversion.recent_counts import USUAL_PERIOD, RecentCounts
from tests.support.builders import NOW

SOURCE: Final = ConversionSource("IN", "sms", "acme", "recognized")
START: Final = start_of(NOW, MINUTE)
THIS_HOUR: Final = start_of(NOW, HOUR)
CELL: Final = ConversionCell("IN", "sms", "acme", "recognized", "range", "network")


def a_minute(
    record_id: str, starts_at: datetime, sent_at: datetime, sent: int, entered: int
) -> MinuteConversion:
    cells = (CellCounts("network", "range", sent, entered),)
    return MinuteConversion(
        id=record_id,
        starts_at=starts_at,
        changed_at=starts_at,
        sources=(SourceCells(sent_at, SOURCE, cells),),
    )


def an_hour(record_id: str, starts_at: datetime, *sums: SourceSum) -> HourConversion:
    return HourConversion(id=record_id, starts_at=starts_at, changed_at=starts_at, sources=sums)


@pytest.fixture
def recent() -> RecentCounts:
    return RecentCounts()


def test_a_code_belongs_to_the_minute_in_which_it_was_sent(recent: RecentCounts) -> None:
    sent_at = START - 5 * MINUTE
    recent.add_minutes(
        [
            a_minute("a", sent_at, sent_at, 3, 0),
            a_minute("b", START - 2 * MINUTE, sent_at, 0, 2),  # in another process
            a_minute("c", START - 11 * MINUTE, START - 11 * MINUTE, 9, 0),
            a_minute("d", START - 5 * MINUTE, START - 11 * MINUTE, 0, 9),
            a_minute("e", START - MINUTE, START - MINUTE, 4, 0),  # still being entered
        ]
    )
    assert recent.cells(NOW, 10 * MINUTE) == {CELL: ConversionCounts(3, 2)}
    assert recent.cells(NOW, 15 * MINUTE) == {CELL: ConversionCounts(12, 11)}
    assert recent.cells(NOW, 10 * MINUTE, lambda source: source.country != "IN") == {}


def test_a_minute_that_is_read_again_replaces_what_was_read(recent: RecentCounts) -> None:
    sent_at = START - 5 * MINUTE
    recent.add_minutes([a_minute("a", sent_at, sent_at, 3, 0)])
    recent.add_minutes([a_minute("a", sent_at, sent_at, 5, 0)])
    assert recent.cells(NOW, 10 * MINUTE) == {CELL: ConversionCounts(5, 0)}
    recent.forget(NOW + 3 * HOUR)
    assert recent.cells(NOW, 10 * MINUTE) == {}


def test_the_usual_share_is_that_of_fifteen_days_without_the_latest_minutes(
    recent: RecentCounts,
) -> None:
    german = ConversionSource("DE", "sms", "acme", "stranger")
    old = an_hour("old", THIS_HOUR - USUAL_PERIOD, SourceSum(SOURCE, 100, 80))
    now = an_hour("now", THIS_HOUR, SourceSum(SOURCE, 100, 10), SourceSum(german, 300, 30))
    recent.add_hours([old, an_hour("now", THIS_HOUR, SourceSum(SOURCE, 1, 1))])
    recent.add_hours([now])
    recent.add_minutes([a_minute("a", START - MINUTE, START - MINUTE, 90, 0)])
    recent.forget(NOW)

    assert recent.usual_share("IN", "recognized", NOW) == pytest.approx(90 / 110)
    assert recent.usual_share("IN", "recognized", NOW, without=timedelta()) == 0.45
    assert recent.usual_share("IN", "recognized", NOW, "acme", "sms", timedelta()) == 0.45
    assert recent.usual_share("IN", "recognized", NOW, "other") is None
    assert recent.usual_share("IN", "recognized", NOW, "acme", "voice") is None
    assert recent.usual_share("", "", NOW, without=timedelta()) == pytest.approx(120 / 500)
    assert recent.usual_share("DE", "stranger", NOW) == 0.1
    assert recent.usual_share("FR", "stranger", NOW) is None

    recent.forget(NOW + HOUR)
    assert recent.usual_share("IN", "recognized", NOW, without=timedelta()) == 0.1


def test_an_hour_that_is_over_is_kept_as_the_sum_of_all_processes(recent: RecentCounts) -> None:
    starts_at = THIS_HOUR - 5 * HOUR
    for number in range(4):
        recent.add_hours([an_hour(f"{number}", starts_at, SourceSum(SOURCE, 20, 20))])
        recent.add_hours([an_hour(f"{number}", starts_at, SourceSum(SOURCE, 50, 20))])
    recent.forget(NOW)
    assert not recent._changing_hours
    assert recent.usual_share("IN", "recognized", NOW) == pytest.approx(80 / 200)
    recent.forget(NOW + USUAL_PERIOD)
    assert recent.usual_share("IN", "recognized", NOW + USUAL_PERIOD) is None


def test_fewer_than_a_hundred_codes_have_no_usual_share(recent: RecentCounts) -> None:
    recent.add_hours([an_hour("now", THIS_HOUR, SourceSum(SOURCE, 99, 80))])
    assert recent.usual_share("IN", "recognized", NOW) is None

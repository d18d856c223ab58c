"""What a process counts, in memory, until it is written."""

from datetime import timedelta
from typing import Any, Final

import pytest

from domain.conversion import counts
from domain.conversion.counts import (
    HOUR,
    MINUTE,
    OTHER,
    CellCounts,
    ConversionCell,
    ConversionCounts,
    ConversionSource,
    ConversionSums,
    MinuteConversion,
    SourceCells,
    SourceSum,
    make_hour,
    make_minute,
)
from tests.support.builders import NOW

SOURCE: Final = ConversionSource("IN", "sms", "acme", "stranger")
START: Final = NOW.replace(second=0, microsecond=0)


def a_cell(network: str = "a", number_range: str = "r", country: str = "IN") -> ConversionCell:
    return ConversionCell(country, "sms", "acme", "stranger", number_range, network)


@pytest.fixture
def sums() -> ConversionSums:
    return ConversionSums("instance")


def minutes(sums: ConversionSums) -> list[MinuteConversion]:
    return [make_minute(changed, NOW) for changed in sums.minutes.list_changed()]


def write(sums: ConversionSums) -> None:
    for minute in sums.minutes.list_changed():
        sums.minutes.mark_written(minute)
    for hour in sums.hours.list_changed():
        sums.hours.mark_written(hour)


def test_a_code_is_entered_in_one_minute_and_names_the_one_in_which_it_was_sent(
    sums: ConversionSums,
) -> None:
    sums.add(START, a_cell(), START, is_entered=False)
    sums.add(START + 90 * MINUTE / 60, a_cell(), START, is_entered=True)
    sums.add(START, a_cell("b"), START, is_entered=False)
    first, second = minutes(sums)
    assert first.sources == (
        SourceCells(START, SOURCE, (CellCounts("a", "r", 1, 0), CellCounts("b", "r", 1, 0))),
    )
    assert second.sources == (SourceCells(START, SOURCE, (CellCounts("a", "r", 0, 1),)),)
    assert second.starts_at == START + MINUTE
    (hour,) = [make_hour(changed, NOW) for changed in sums.hours.list_changed()]
    assert hour.sources == (SourceSum(SOURCE, 2, 1),)
    assert hour.sources[0].counts.share == 0.5


def test_only_what_has_changed_since_is_written_again(sums: ConversionSums) -> None:
    sums.add(START, a_cell(), START, is_entered=False)
    (changed,) = sums.minutes.list_changed()
    sums.add(START, a_cell(), START, is_entered=False)  # while it is written
    sums.minutes.mark_written(changed)
    (again,) = sums.minutes.list_changed()
    assert again.id == changed.id
    sums.minutes.mark_written(again)
    assert sums.minutes.list_changed() == []


def test_a_minute_that_begins_anew_has_another_record(sums: ConversionSums) -> None:
    sums.add(START, a_cell(), START, is_entered=False)
    (first,) = minutes(sums)
    write(sums)
    later = START + 2 * MINUTE
    sums.add(later, a_cell(), later, is_entered=False)
    sums.add(START, a_cell(), START, is_entered=False)  # the clock was set back
    _, again = minutes(sums)
    assert again.starts_at == first.starts_at
    assert again.id != first.id


def test_while_the_database_is_away_two_hours_are_kept(sums: ConversionSums) -> None:
    for minute in range(150):
        now = START + minute * MINUTE
        sums.add(now, a_cell(), now, is_entered=False)
    dropped = sums.minutes.list_changed()[0]
    kept = minutes(sums)
    assert len(kept) == counts.MAX_UNWRITTEN
    assert kept[0].starts_at == START + 30 * MINUTE
    sums.add(START + 150 * MINUTE, a_cell(), START, is_entered=False)
    sums.minutes.mark_written(dropped)  # it is gone
    assert len(minutes(sums)) == counts.MAX_UNWRITTEN


def test_a_record_is_bounded_whoever_chooses_networks_and_countries(
    sums: ConversionSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MAX_CELLS", 2)
    monkeypatch.setattr(counts, "MAX_SOURCES", 1)
    for network in "abcd":
        sums.add(START, a_cell(network, country=network), START, is_entered=False)
    (minute,) = minutes(sums)
    assert [each.cells for each in minute.sources[2:]] == [(CellCounts(OTHER, OTHER, 1, 0),)] * 2
    (hour,) = [make_hour(changed, NOW) for changed in sums.hours.list_changed()]
    other = ConversionSource(OTHER, "sms", OTHER, "stranger")
    assert hour.sources[1:] == (SourceSum(other, 3, 0),)


@pytest.mark.parametrize(("sent", "entered", "share"), [(0, 0, None), (4, 1, 0.25), (1, 2, 1.0)])
def test_a_share_is_a_part_of_what_was_sent(sent: int, entered: int, share: Any) -> None:
    assert ConversionCounts(sent, entered).share == share


def test_records_expire_after_two_hours_and_sixteen_days(sums: ConversionSums) -> None:
    sums.add(START, a_cell(), START, is_entered=False)
    (minute,) = minutes(sums)
    (hour,) = [make_hour(changed, NOW) for changed in sums.hours.list_changed()]
    assert minute.expires_at == START + 2 * HOUR
    assert hour.expires_at == hour.starts_at + timedelta(days=16)

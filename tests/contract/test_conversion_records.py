"""What each process counts of codes in each minute and hour, in each database."""

from datetime import timedelta
from typing import Final

import pytest

from adapters.records.database import Database
from adapters.records.features.conversion import (
    CONVERSION_MINUTES,
    make_conversion_repositories,
)
from application.ports.conversion import ConversionRepositories
from domain.conversion.counts import (
    HOUR,
    HOURS_RETENTION,
    MINUTES_RETENTION,
    CellCounts,
    ConversionSource,
    HourConversion,
    MinuteConversion,
    SourceCells,
    SourceSum,
)
from domain.conversion.provider_states import STATES_ID, LeftProvider, ProviderStates
from domain.cursor import Cursor
from tests.support.builders import NOW

SOURCE: Final = ConversionSource("IN", "sms", "acme:open", "recognized", "conversion")
SECOND: Final = timedelta(seconds=1)


def a_minute(number: int, changed: int, sent: int = 1) -> MinuteConversion:
    """Return the minute of a process, written so many seconds after now."""
    return MinuteConversion(
        id=f"{NOW:%Y-%m-%dT%H:%M}:{number}",
        starts_at=NOW,
        changed_at=NOW + changed * SECOND,
        sources=(
            SourceCells(NOW, SOURCE, (CellCounts("network", "range", sent, 10**9),)),
            SourceCells(NOW - HOUR, SOURCE, ()),
        ),
    )


@pytest.fixture
def repositories(database: Database) -> ConversionRepositories:
    return make_conversion_repositories(database)


async def test_only_what_was_written_since_is_listed(repositories: ConversionRepositories) -> None:
    minutes = repositories.minutes
    first, second, third = written = [a_minute(number, number // 2) for number in (1, 2, 3)]
    for record in written:
        assert await minutes.save(record.id, record, 0)
    assert await minutes.list_changed(Cursor(NOW, ""), NOW + HOUR, 10) == written
    assert await minutes.list_changed(Cursor(NOW, ""), NOW + HOUR, 2) == written[:2]
    assert await minutes.list_changed(Cursor(NOW, ""), NOW, 10) == [first]
    after = Cursor(second.changed_at, second.id)
    assert await minutes.list_changed(after, NOW + HOUR, 10) == [third]

    again = a_minute(1, 60, sent=7)
    loaded = await minutes.load(first.id)
    assert loaded is not None
    assert await minutes.save(first.id, again, loaded.version)
    assert not await minutes.save(first.id, first, loaded.version)
    assert await minutes.list_changed(after, NOW + HOUR, 10) == [third, again]


async def test_one_that_cannot_be_read_is_left_out_and_logged_once(
    database: Database, repositories: ConversionRepositories, caplog: pytest.LogCaptureFixture
) -> None:
    minutes = repositories.minutes
    written = [a_minute(number, number) for number in range(1, 8)]
    for record in written:
        assert await minutes.save(record.id, record, 0)
    damaged = written.pop(3)
    assert await database.records.overwrite(
        CONVERSION_MINUTES, damaged.id, "sources", b"damaged", 1
    )
    for limit in (1, 4, 5, 9):
        assert await minutes.list_changed(Cursor(NOW, ""), NOW + HOUR, limit) == written[:limit]
    (logged,) = [str(record.msg) for record in caplog.records]
    assert "conversion_not_counted" in logged


async def test_they_are_deleted_after_their_retention(repositories: ConversionRepositories) -> None:
    minutes, hours = repositories.minutes, repositories.hours
    minute = a_minute(1, 0)
    hour = HourConversion(
        id="hour", starts_at=NOW, changed_at=NOW, sources=(SourceSum(SOURCE, 10**9, 3),)
    )
    assert await minutes.save(minute.id, minute, 0)
    assert await hours.save(hour.id, hour, 0)
    assert await hours.list_changed(Cursor(NOW - HOUR, ""), NOW, 10) == [hour]
    assert await minutes.delete_expired(NOW + MINUTES_RETENTION - SECOND, 10) == 0
    assert await minutes.delete_expired(NOW + MINUTES_RETENTION, 10) == 1
    assert await hours.delete_expired(NOW + HOURS_RETENTION - SECOND, 10) == 0
    assert await hours.delete_expired(NOW + HOURS_RETENTION, 10) == 1


async def test_of_two_decisions_about_providers_the_first_is_kept(
    repositories: ConversionRepositories,
) -> None:
    states = repositories.states
    left = LeftProvider(
        country="IN",
        channel="sms",
        provider="acme:open",
        left_at=NOW,
        sent=40,
        entered=10,
        usual_percent=85,
    )
    first = ProviderStates().leave(left)
    assert await states.save(STATES_ID, first, 0)
    assert not await states.save(STATES_ID, ProviderStates(), 0)
    loaded = await states.load(STATES_ID)
    assert loaded is not None
    assert loaded.value == first

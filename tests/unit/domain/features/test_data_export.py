"""When people may export their own data again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from domain.errors import TooManyExports
from domain.features.export import (
    EXPORT_INTERVAL,
    EXPORT_REPEAT_PERIOD,
    LOST_TRANSFER_PERIOD,
    MAX_EXPORT_TRANSFERS,
    DataExport,
)
from tests.support.builders import an_id

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
UNDER_WAY: Final = DataExport(an_id(), NOW, last_began_at=NOW)
BROKEN: Final = DataExport(an_id(), NOW)
COMPLETE: Final = DataExport(an_id(), NOW, is_complete=True)


@pytest.mark.parametrize(
    ("export", "age"),
    [
        (COMPLETE, SECOND),
        (UNDER_WAY, SECOND),
        (replace(UNDER_WAY, transfers=2, last_began_at=NOW + 3 * SECOND), 4 * SECOND),
        (replace(BROKEN, transfers=MAX_EXPORT_TRANSFERS), SECOND),
        (BROKEN, EXPORT_REPEAT_PERIOD),
    ],
    ids=["complete", "under way", "repeated", "broken too often", "broken an hour ago"],
)
def test_a_rejected_export_is_possible_at_the_time_that_the_client_gets(
    export: DataExport, age: timedelta
) -> None:
    now = NOW + age
    with pytest.raises(TooManyExports) as error:
        export.repeat(now)
    assert timedelta(seconds=error.value.retry_after) == EXPORT_INTERVAL - age
    # What is under way will be complete.
    with pytest.raises(TooManyExports):
        replace(export, is_complete=True).repeat(NOW + EXPORT_INTERVAL - SECOND)
    next_at = NOW + EXPORT_INTERVAL
    assert export.repeat(next_at) == DataExport(an_id(), next_at, last_began_at=next_at)


@pytest.mark.parametrize(
    ("export", "age"), [(BROKEN, SECOND), (UNDER_WAY, LOST_TRANSFER_PERIOD)], ids=["broken", "lost"]
)
def test_an_export_that_broke_is_repeated_within_an_hour(
    export: DataExport, age: timedelta
) -> None:
    repeated = export.repeat(NOW + age)
    assert repeated == DataExport(an_id(), NOW, transfers=2, last_began_at=NOW + age)

"""Times in columns: microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """Return a time as columns store it: microseconds since 1970, exact and in order."""
    return (time - _EPOCH) // _MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """Return the time of a column."""
    return _EPOCH + microseconds * _MICROSECOND


def to_microseconds_or_none(time: datetime | None) -> int | None:
    """Return an optional time as columns store it."""
    return None if time is None else to_microseconds(time)

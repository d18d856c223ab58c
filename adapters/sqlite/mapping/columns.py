"""Times in columns: microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """Return a time as columns store it: microseconds since 1970, exact and in order."""
    since = time - _EPOCH
    # Numbers that fit into a word: to divide by a timedelta takes four times as long.
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_datetime(microseconds: int) -> datetime:
    """Return the time of a column."""
    return _EPOCH + microseconds * _MICROSECOND


def to_microseconds_or_none(time: datetime | None) -> int | None:
    """Return an optional time as columns store it."""
    return None if time is None else to_microseconds(time)

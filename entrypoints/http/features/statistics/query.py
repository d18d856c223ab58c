"""What a report is about, from the texts of a query or a command."""

from datetime import datetime

from domain.errors import ConflictingValue
from domain.features.statistics.report import (
    Dimension,
    StatisticsQuery,
    parse_day,
    parse_dimensions,
    query_days,
    query_hours,
)
from entrypoints.http.features.statistics.schemas import HOURS
from entrypoints.http.requests.parsing import FieldErrors, parsing_field


def parse_query(
    now: datetime,
    *,
    hours: str | None,
    first_day: str | None,
    last_day: str | None,
    by: str | None,
) -> StatisticsQuery:
    """Parse the last hours, or days from the first to the last one."""
    with FieldErrors() as invalid:
        with invalid.of("hours"):
            count = HOURS.parse(hours)
            if hours is not None and (first_day, last_day) != (None, None):
                raise ConflictingValue("Hours and days do not go together: omit one of them.")
        with invalid.of("from"):
            first = None if first_day is None else parse_day(first_day)
        with invalid.of("until"):
            last = None if last_day is None else parse_day(last_day)
        with invalid.of("by"):
            dimensions = [Dimension.COUNTRY] if by is None else parse_dimensions(by)
    if first is None and last is None:
        with parsing_field("hours"):
            return query_hours(now, count, dimensions)
    with parsing_field("from"):
        return query_days(now, first, last, dimensions)

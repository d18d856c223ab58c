"""What the pages of statistics take from their query: a time, and which messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.errors import InvalidValue
from domain.statistics.report import (
    DEFAULT_HOURS,
    MAX_HOURS,
    StatisticsQuery,
    make_query,
    parse_counted_country,
    parse_counted_provider,
)
from entrypoints.http.console.request import ConsoleRequest

PERIODS: Final = (DEFAULT_HOURS, MAX_HOURS)


@dataclass(frozen=True, slots=True)
class Selection:
    """What an administrator selected, and what is wrong with it.

    Attributes:
        hours: How many hours.
        country: The country as it was typed, or "".
        provider: The provider as it was typed, or "".
        errors: What is wrong, by the name of the field. A field with an error selects nothing.
        query: What is shown.
    """

    hours: int
    country: str
    provider: str
    query: StatisticsQuery
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> Mapping[str, str]:
        """What links to another time keep."""
        return _without_empty(country=self.query.country, provider=self.query.provider)


def parse_hours(request: ConsoleRequest) -> int:
    """Return the hours of the query; a day if they are none of `PERIODS`."""
    text = request.query_params.get("hours", "")
    return int(text) if text in [str(period) for period in PERIODS] else DEFAULT_HOURS


def parse_selection(request: ConsoleRequest, now: datetime) -> Selection:
    """Parse the query of a page."""
    hours = parse_hours(request)
    typed = {name: request.query_params.get(name, "").strip() for name in ("country", "provider")}
    errors: dict[str, str] = {}
    selected: dict[str, str] = {}
    for name, parse in (("country", parse_counted_country), ("provider", parse_counted_provider)):
        try:
            if typed[name]:
                selected[name] = parse(typed[name])
        except InvalidValue as error:
            errors[name] = error.message
    query = make_query(now, hours, selected.get("country"), selected.get("provider"))
    return Selection(hours, typed["country"], typed["provider"], query, errors)


def _without_empty(**parameters: str | None) -> Mapping[str, str]:
    return {name: value for name, value in parameters.items() if value}

"""What the pages of statistics take from their query: a time, and which messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import InvalidNumber, InvalidValue
from domain.statistics.report import (
    DEFAULT_HOURS,
    MAX_HOURS,
    StatisticsQuery,
    make_query,
    parse_counted_country,
    parse_counted_provider,
)
from entrypoints.http.console.request import ConsoleRequest


@dataclass(frozen=True, slots=True)
class Selection:
    """What the reader selected, and what is wrong with it.

    Attributes:
        hours: How many hours.
        typed_hours: As they were typed, or "".
        country: The country as it was typed, or "".
        provider: The provider as it was typed, or "".
        errors: What is wrong, by the name of the field. A field with an error selects nothing.
        query: What is shown.
    """

    hours: int
    typed_hours: str
    country: str
    provider: str
    query: StatisticsQuery
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> Mapping[str, str]:
        """What links to another time keep."""
        return _without_empty(country=self.query.country, provider=self.query.provider)


def parse_hours(request: ConsoleRequest) -> int:
    """Return the hours of the query; a day if they are none, or too many."""
    try:
        return _parse_hours(request.query_params.get("hours", ""))
    except InvalidValue:
        return DEFAULT_HOURS


def _parse_hours(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < 4
    if not is_number or not 1 <= int(text) <= MAX_HOURS:
        raise InvalidNumber(f"Write how many hours, from 1 to {MAX_HOURS}.")
    return int(text)


def parse_selection(request: ConsoleRequest, now: datetime) -> Selection:
    """Parse the query of a page."""
    names = ("hours", "country", "provider")
    typed = {name: request.query_params.get(name, "").strip() for name in names}
    hours, errors = parse_hours(request), dict[str, str]()
    try:
        if typed["hours"]:
            _parse_hours(typed["hours"])
    except InvalidValue as error:
        errors["hours"] = error.message
    selected: dict[str, str] = {}
    for name, parse in (("country", parse_counted_country), ("provider", parse_counted_provider)):
        try:
            if typed[name]:
                selected[name] = parse(typed[name])
        except InvalidValue as error:
            errors[name] = error.message
    query = make_query(now, hours, selected.get("country"), selected.get("provider"))
    return Selection(hours, typed["hours"], typed["country"], typed["provider"], query, errors)


def _without_empty(**parameters: str | None) -> Mapping[str, str]:
    return {name: value for name, value in parameters.items() if value}

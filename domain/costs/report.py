"""A report of costs: which days, and by what."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from domain.costs.sums import CostEntry, Costs
from domain.errors import InvalidValue, UnsupportedValue

MAX_REPORT_DAYS: Final = 400
TOTAL: Final = "total"
"""The name of the row of all costs."""
DAY_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DAY: Final = re.compile(DAY_PATTERN)


class CostGroup(StrEnum):
    """What the costs are summed by."""

    COUNTRY = "country"
    PROVIDER = "provider"
    CHANNEL = "channel"

    def name_of(self, entry: CostEntry) -> str:
        """Return the country, provider or channel of an entry."""
        match self:
            case CostGroup.COUNTRY:
                return entry.country
            case CostGroup.PROVIDER:
                return entry.provider
            case CostGroup.CHANNEL:
                return entry.channel.value


@dataclass(frozen=True, slots=True)
class CostPeriod:
    """The days of a report, with the first and the last one."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class CostRow:
    """The costs of one country, provider or channel in one currency, or of all together."""

    name: str
    currency: str
    costs: Costs


@dataclass(frozen=True, slots=True)
class CostReport:
    """The costs of a period: the highest amount first, and a total of each currency."""

    period: CostPeriod
    rows: Sequence[CostRow]
    totals: Sequence[CostRow]


def sum_rows(rows: Iterable[CostRow]) -> list[CostRow]:
    """Return one row for each name and currency, the highest amount first."""
    sums: dict[tuple[str, str], Costs] = {}
    for row in rows:
        key = (row.name, row.currency)
        sums[key] = sums.get(key, Costs()) + row.costs
    summed = [CostRow(name, currency, costs) for (name, currency), costs in sums.items()]
    return sorted(summed, key=lambda row: (row.currency, -row.costs.millionths, row.name))


def parse_group(text: str) -> CostGroup:
    """Parse what the costs are summed by.

    Raises:
        UnsupportedValue
    """
    if text not in [*CostGroup]:
        raise UnsupportedValue(f"Costs are summed by {', '.join(CostGroup)}.")
    return CostGroup(text)


def parse_day(text: str) -> date:
    """Parse a day.

    Raises:
        InvalidValue
    """
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as February 30
    raise InvalidValue("Write a day as year, month and day, like 2026-07-01.")


def make_period(first_day: date | None, last_day: date | None, today: date) -> CostPeriod:
    """Return a period: by default until today, and from the start of the last day's month.

    Raises:
        InvalidValue: it ends before it begins, or is too long.
    """
    last_day = last_day or today
    first_day = first_day or last_day.replace(day=1)
    if first_day > last_day:
        raise InvalidValue("The first day is later than the last one.")
    if last_day - first_day >= timedelta(days=MAX_REPORT_DAYS):
        raise InvalidValue(f"A report has at most {MAX_REPORT_DAYS} days.")
    return CostPeriod(first_day, last_day)

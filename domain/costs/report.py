"""A report of costs: which days, and by what."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import permutations
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


GROUPINGS: Final = [
    ",".join(groups) for number in (1, 2) for groups in permutations(CostGroup, number)
]
"""All that a report can be summed by: one group, or two of them in this order."""


@dataclass(frozen=True, slots=True)
class CostPeriod:
    """The days of a report, with the first and the last one."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class CostRow:
    """A sum in one currency.

    Attributes:
        names: The country, provider or channel that it is of; two of them where the report is by
            two, and none where it is the total.
        currency: The ISO 4217 code.
        costs: The sum.
    """

    names: tuple[str, ...]
    currency: str
    costs: Costs

    @property
    def name(self) -> str:
        """The names as one text."""
        return ",".join(self.names) or TOTAL


@dataclass(frozen=True, slots=True)
class CostReport:
    """The costs of a period, by one or two groups: rows as `sum_rows` sorts them."""

    period: CostPeriod
    groups: Sequence[CostGroup]
    rows: Sequence[CostRow]

    @property
    def grouping(self) -> str:
        """What it is summed by, one of `GROUPINGS`."""
        return ",".join(self.groups)

    @property
    def sums(self) -> Sequence[CostRow]:
        """The sum of each first name."""
        return sum_rows(self.rows, names=1)

    @property
    def totals(self) -> Sequence[CostRow]:
        """The total of each currency."""
        return sum_rows(self.rows, names=0)


def sum_rows(rows: Iterable[CostRow], names: int = 2) -> list[CostRow]:
    """Return one row for each currency and each combination of the first names.

    Rows with one first name stand together. The one with the highest sum comes first, and of each
    the row with the highest amount.
    """
    sums: dict[tuple[str, tuple[str, ...]], Costs] = {}
    of_first = Counter[tuple[str, tuple[str, ...]]]()
    for row in rows:
        key = (row.currency, row.names[:names])
        sums[key] = sums.get(key, Costs()) + row.costs
        of_first[row.currency, row.names[:1]] += row.costs.millionths
    return sorted(
        (CostRow(key, currency, costs) for (currency, key), costs in sums.items()),
        key=lambda row: (
            row.currency,
            -of_first[row.currency, row.names[:1]],
            row.names[:1],
            -row.costs.millionths,
            row.names,
        ),
    )


def parse_groups(text: str) -> Sequence[CostGroup]:
    """Parse what the costs are summed by: one group, or two with a comma between them.

    Raises:
        UnsupportedValue
    """
    if text not in GROUPINGS:
        *others, last = CostGroup
        raise UnsupportedValue(
            f"Costs are summed by {', '.join(others)} or {last}, or by two of these with a comma"
            " between them, such as country,provider."
        )
    return [CostGroup(name) for name in text.split(",")]


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

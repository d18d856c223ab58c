"""A report of providers: messages, delivered, entered, and the price of a code that was entered."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import InvalidValue
from domain.statistics.hourly_counts import (
    ONE_HOUR,
    STATISTICS_RETENTION,
    DeliveryCounts,
    HourlyCounts,
    start_of_hour,
)
from domain.statistics.period_sums import DeliveryGroup
from domain.statistics.report import DEFAULT_HOURS, StatisticsQuery

TIME_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2})?$"
_TIME: Final = re.compile(TIME_PATTERN)
_DAY_LENGTH: Final = len("2026-07-01")
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """What a provider did, and what it cost.

    Attributes:
        counts: The messages and calls with a code, and the logins with these codes.
        millionths: What messages and calls cost; None where no costs are counted or shown.
    """

    counts: DeliveryCounts
    millionths: int | None

    @property
    def delivered_percent(self) -> float | None:
        """What was delivered, in percent of what was sent; None if nothing was reported."""
        is_reported = self.counts.delivered or self.counts.undelivered
        return self._percent(self.counts.delivered) if is_reported else None

    @property
    def entered_percent(self) -> float | None:
        """The logins, in percent of what was sent; None if nothing was sent."""
        return self._percent(self.counts.logins)

    @property
    def price_of_entered(self) -> int | None:
        """What a code that was entered cost, in millionths; None if none was."""
        if self.millionths is None or not self.counts.logins:
            return None
        return round(self.millionths / self.counts.logins)

    def _percent(self, count: int) -> float | None:
        return round(100 * count / self.counts.sent, 1) if self.counts.sent else None


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """The figures of one country, channel and provider."""

    group: DeliveryGroup
    figures: ProviderFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSummary:
    """The figures of all providers in some hours.

    Attributes:
        query: The hours, and the country if it is of one only.
        currency: That of all amounts; empty where none is counted or shown.
        rows: Those with the most messages first.
        total: All of them together.
    """

    query: StatisticsQuery
    currency: str
    rows: Sequence[ProviderRow]
    total: ProviderFigures


@dataclass(slots=True)
class ProviderSums:
    """The sums of a report, while its records are read.

    Amounts are those of the currency that was counted last: a price list may have had another one
    before.
    """

    query: StatisticsQuery
    _counts: dict[DeliveryGroup, DeliveryCounts] = field(default_factory=dict)
    _costs: dict[str, Counter[DeliveryGroup]] = field(default_factory=dict)
    _last: tuple[datetime, str] | None = None

    def add(self, hourly: HourlyCounts) -> None:
        """Add what a process counted in an hour of the report."""
        for entry in hourly.deliveries:
            if self._includes(entry.country):
                group = DeliveryGroup(entry.country, entry.channel, entry.provider)
                self._counts[group] = self._counts.get(group, DeliveryCounts()) + entry.counts
        for cost in hourly.costs:
            found = (hourly.starts_at, cost.currency)
            self._last = found if self._last is None else max(self._last, found)
            if self._includes(cost.country):
                group = DeliveryGroup(cost.country, cost.channel, cost.provider)
                of_currency = self._costs.setdefault(cost.currency, Counter())
                of_currency[group] += cost.millionths

    def summarize(self, *, has_amounts: bool) -> ProviderSummary:
        """Return the report of what was added.

        Args:
            has_amounts: Whether the reader may see amounts.
        """
        currency = self._last[1] if self._last and has_amounts else ""
        costs = self._costs.get(currency, Counter())
        groups = {*self._counts, *costs}

        def figures(*of: DeliveryGroup) -> ProviderFigures:
            counts = sum(
                (self._counts.get(each, DeliveryCounts()) for each in of), DeliveryCounts()
            )
            return ProviderFigures(counts, sum(costs[each] for each in of) if currency else None)

        rows = [ProviderRow(group, figures(group)) for group in groups]
        rows.sort(
            key=lambda row: (
                -row.figures.counts.sent,
                row.group.country,
                row.group.channel,
                row.group.provider,
            )
        )
        return ProviderSummary(
            query=self.query, currency=currency, rows=rows, total=figures(*groups)
        )

    def _includes(self, country: str) -> bool:
        return self.query.country in (None, country)


def parse_time(text: str, *, is_end: bool) -> datetime:
    """Parse a day, or an hour of it, in UTC: the start of the first or of the last hour.

    Args:
        text: Such as 2026-07-01, or 2026-07-01T13 for the hour from 13:00.
        is_end: Whether a day ends the period, so that its last hour is meant.

    Raises:
        InvalidValue
    """
    try:
        if _TIME.fullmatch(text):
            moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
            is_day = len(text) == _DAY_LENGTH
            return moment + _ONE_DAY - ONE_HOUR if is_day and is_end else moment
    except ValueError:
        pass  # such as February 30
    raise InvalidValue(
        "Write a day like 2026-07-01, or an hour of it like 2026-07-01T13, both in UTC."
    )


def make_provider_query(
    now: datetime, first: datetime | None, last: datetime | None, country: str | None
) -> StatisticsQuery:
    """Return the query of a period: by default of the 24 hours until its end, and until now.

    Raises:
        InvalidValue: It ends before it begins, or nothing of it is kept.
    """
    this_hour = start_of_hour(now)
    last = this_hour if last is None else min(last, this_hour)
    first = last - (DEFAULT_HOURS - 1) * ONE_HOUR if first is None else first
    if first > last:
        raise InvalidValue("The first hour is later than the last one, or than now.")
    if first <= now - STATISTICS_RETENTION:
        raise InvalidValue(
            f"Messages are counted by hour for {STATISTICS_RETENTION.days} days. Choose a later"
            " time."
        )
    return StatisticsQuery(first_hour=first, last_hour=last, country=country)

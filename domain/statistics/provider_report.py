"""A report of providers: messages, delivered, entered, and the price of a code that was entered."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
        without_amount: Those of the counts whose costs are not in the amount: no costs were counted
            with them, or in another currency.
        silent: How many of the messages and calls are in rows of which nothing was reported.
    """

    counts: DeliveryCounts
    millionths: int | None
    without_amount: DeliveryCounts = DeliveryCounts()
    silent: int = 0

    @property
    def delivered(self) -> int | None:
        """What was delivered; None if nothing was reported."""
        is_reported = self.counts.delivered or self.counts.undelivered
        return self.counts.delivered if is_reported else None

    @property
    def delivered_percent(self) -> float | None:
        """What was delivered, in percent of what was sent where something was reported."""
        if self.delivered is None:
            return None
        return _percent(self.delivered, self.counts.sent - self.silent)

    @property
    def entered_percent(self) -> float | None:
        """The logins, in percent of what was sent; None if nothing was sent."""
        return _percent(self.counts.logins, self.counts.sent)

    @property
    def price_of_entered(self) -> int | None:
        """What a code that was entered cost, in millionths; None if none was.

        Logins without an amount are left out: with them, a code would look cheaper than it was.
        """
        logins = self.counts.logins - self.without_amount.logins
        if self.millionths is None or not logins:
            return None
        return (2 * self.millionths + logins) // (2 * logins)


def _percent(count: int, total: int) -> float | None:
    return round(100 * count / total, 1) if total else None


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
    before. Counts are kept by the currency of their process.
    """

    query: StatisticsQuery
    _counts: dict[str, dict[DeliveryGroup, DeliveryCounts]] = field(default_factory=dict)
    _costs: dict[str, Counter[DeliveryGroup]] = field(default_factory=dict)
    _last: tuple[datetime, str] | None = None

    def add(self, hourly: HourlyCounts) -> None:
        """Add what a process counted in an hour of the report."""
        currency = hourly.currency
        if currency:
            found = (hourly.starts_at, currency)
            self._last = found if self._last is None else max(self._last, found)
        counts = self._counts.setdefault(currency, {})
        for entry in hourly.deliveries:
            if self._includes(entry.country):
                group = DeliveryGroup(entry.country, entry.channel, entry.provider)
                counts[group] = counts.get(group, DeliveryCounts()) + entry.counts
        costs = self._costs.setdefault(currency, Counter())
        for cost in hourly.costs:
            if self._includes(cost.country):
                costs[DeliveryGroup(cost.country, cost.channel, cost.provider)] += cost.millionths

    def summarize(self, *, has_amounts: bool) -> ProviderSummary:
        """Return the report of what was added.

        Args:
            has_amounts: Whether the reader may see amounts.
        """
        currency = self._last[1] if self._last and has_amounts else ""
        costs = self._costs.get(currency, Counter())
        with_amount = self._counts.get(currency, {})
        counts: dict[DeliveryGroup, DeliveryCounts] = {}
        without_amount: dict[DeliveryGroup, DeliveryCounts] = {}
        for counted_in, of_currency in self._counts.items():
            _add(of_currency, counts)
            if currency and counted_in != currency:
                _add(of_currency, without_amount)
        groups = {*counts, *costs}

        def figures(group: DeliveryGroup) -> ProviderFigures:
            has_amount = currency and (group in costs or group in with_amount)
            found = ProviderFigures(
                counts.get(group, DeliveryCounts()),
                costs[group] if has_amount else None,
                without_amount.get(group, DeliveryCounts()),
            )
            silent = found.counts.sent if found.delivered is None else 0
            return replace(found, silent=silent)

        rows = [ProviderRow(group, figures(group)) for group in groups]
        total = ProviderFigures(
            sum(counts.values(), DeliveryCounts()),
            sum(costs.values()) if currency else None,
            sum(without_amount.values(), DeliveryCounts()),
            sum(row.figures.silent for row in rows),
        )
        rows.sort(
            key=lambda row: (
                -row.figures.counts.sent,
                row.group.country,
                row.group.channel,
                row.group.provider,
            )
        )
        return ProviderSummary(query=self.query, currency=currency, rows=rows, total=total)

    def _includes(self, country: str) -> bool:
        return self.query.country in (None, country)


def _add(
    counts: Mapping[DeliveryGroup, DeliveryCounts], to: dict[DeliveryGroup, DeliveryCounts]
) -> None:
    for group, counted in counts.items():
        to[group] = to.get(group, DeliveryCounts()) + counted


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

"""Statistics of messages, logins and rejections."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from application.additions import Additions
from application.administration.operator import Operator
from application.core_ports import CorePorts
from application.identities.events import LoginSucceeded
from application.operations.cleanup import expire
from application.otp.events import (
    OtpAccepted,
    OtpDelivered,
    OtpNotTaken,
    OtpUnconfirmed,
    OtpUndelivered,
    ProviderEvent,
    ReportEvent,
    VerificationApproved,
)
from application.ports.security_events import PhoneEvent, RejectionEvent, SecurityEvent
from application.ports.system import Clock
from application.ports.versioned import Expiring, Records
from application.update import change
from domain.administration.scopes import Scope
from domain.cursor import Cursor
from domain.features.statistics import (
    DAY,
    HOUR,
    NONE,
    RESULTS_BY_PREFIX,
    UNKNOWN,
    CountedGroup,
    CountedPrefix,
    Group,
    PeriodCounts,
    PeriodSums,
    Result,
    Statistics,
    StatisticsQuery,
    StatisticsSums,
    limit_groups,
    limit_prefixes,
)


class PeriodRecords(Records[PeriodCounts[Group]], Expiring, Protocol[Group]):
    """What each process counted in each hour, or on each day, by id."""

    async def list_after(
        self, cursor: Cursor, until: datetime, limit: int
    ) -> Sequence[PeriodCounts[Group]]:
        """List up to `limit` of them after a position, of periods that start at `until` or earlier.

        The earliest period comes first, and of one period the lowest id.
        """
        ...


@dataclass(frozen=True, slots=True)
class StatisticsRepositories:
    """The counts by hour, and by day, and those of prefixes by hour."""

    hours: PeriodRecords[CountedGroup]
    days: PeriodRecords[CountedGroup]
    prefixes: PeriodRecords[CountedPrefix]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStatistics:
    """Count security events, in memory. It never waits and never raises.

    Messages, reports, logins and rejections are counted by country, channel, provider and result;
    messages and logins also by prefix. No phone, no IP and no id is kept.
    """

    sums: Sequence[PeriodSums[CountedGroup]]
    prefixes: PeriodSums[CountedPrefix]
    clock: Clock

    def record(self, event: SecurityEvent) -> None:
        match event:
            case OtpAccepted() | OtpUnconfirmed():
                self._add(event, event.provider, Result.SENT)
            case OtpNotTaken():
                self._add(event, event.provider, Result.NOT_TAKEN)
            case OtpDelivered():
                self._add(event, event.provider, Result.DELIVERED)
            case OtpUndelivered():
                self._add(event, event.provider, Result.UNDELIVERED)
            case LoginSucceeded() | VerificationApproved():
                self._add(event, event.provider, Result.LOGINS)
            case RejectionEvent() if event.limit:
                self._add(event, NONE, Result.REJECTED, event.limit)
            case _:
                pass

    def _add(
        self,
        event: ProviderEvent | ReportEvent | LoginSucceeded | VerificationApproved | RejectionEvent,
        provider: str,
        result: Result,
        limit: str = "",
    ) -> None:
        country = event.country or UNKNOWN
        group = CountedGroup(country, event.channel, provider or UNKNOWN, result, limit)
        now = self.clock.now()
        for sums in self.sums:
            sums.add(now, group)
        if isinstance(event, PhoneEvent) and result in RESULTS_BY_PREFIX:
            self.prefixes.add(now, CountedPrefix(event.phone.prefix, result))


@dataclass(frozen=True, slots=True)
class WriteStatistics:
    """Write the sums of the hours and days that have changed.

    A record has the whole sum of its process and period. So a repetition adds nothing, and what
    could not be written is in the next write.
    """

    written: Sequence[tuple[PeriodSums[Any], PeriodRecords[Any]]]

    async def __call__(self) -> None:
        for sums, records in self.written:
            for counted in sums.list_changed():
                await _save(records, counted)
                sums.mark_written(counted)


async def _save(records: PeriodRecords[Group], counted: PeriodCounts[Group]) -> None:
    await change(records, counted.id, lambda _: (counted, None))


BATCH_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class ReportStatistics:
    """Sum what all processes counted in some hours, or on some days.

    The report includes all that was written: what a process counted in the last minute may be
    missing.
    """

    repositories: StatisticsRepositories

    async def __call__(self, operator: Operator, query: StatisticsQuery) -> Statistics:
        operator.check_scope(Scope.READ_STATISTICS)
        sums = StatisticsSums(query)
        records = self.repositories.hours if query.period is HOUR else self.repositories.days
        async for counted in _list_counts(records, query.first, query.last):
            sums.add(counted)
        if query.is_by_prefix:
            prefixes = self.repositories.prefixes
            async for counted_prefixes in _list_counts(prefixes, query.first, query.last):
                sums.add_prefixes(counted_prefixes)
        return sums.report()


async def _list_counts(
    records: PeriodRecords[Group], first: datetime, last: datetime
) -> AsyncIterator[PeriodCounts[Group]]:
    """Yield the counts of the periods that start from `first` to `last`."""
    cursor = Cursor(first, "")
    while batch := await records.list_after(cursor, last, BATCH_SIZE):
        for counted in batch:
            yield counted
        if len(batch) < BATCH_SIZE:
            return
        cursor = Cursor(batch[-1].starts_at, batch[-1].id)


_INSTANCE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class StatisticsUseCases:
    """The use cases of statistics."""

    clock: Clock
    count: CountStatistics
    write: WriteStatistics
    report: ReportStatistics


def open_statistics(
    core_ports: CorePorts, repositories: StatisticsRepositories
) -> tuple[StatisticsUseCases, Additions]:
    """Return the use cases, and what lets them count security events."""
    clock, instance = (
        core_ports.system.clock,
        core_ports.system.randomness.bytes(_INSTANCE_BYTES).hex(),
    )
    hours, days = (PeriodSums(period, instance, limit_groups) for period in (HOUR, DAY))
    prefixes = PeriodSums(HOUR, instance, limit_prefixes)
    count = CountStatistics(sums=(hours, days), prefixes=prefixes, clock=clock)
    write = WriteStatistics(
        (
            (hours, repositories.hours),
            (days, repositories.days),
            (prefixes, repositories.prefixes),
        )
    )
    steps = {
        "expired_statistics_hours": expire(repositories.hours),
        "expired_statistics_days": expire(repositories.days),
        "expired_statistics_prefixes": expire(repositories.prefixes),
    }
    additions = Additions(listeners=(count,), cleanup_steps=steps)
    return StatisticsUseCases(clock, count, write, ReportStatistics(repositories)), additions

"""Report what each provider delivers, which of its codes are entered, and what these cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.administration.caller import Caller
from application.otp.extensions import OtpExtensions, ProviderState
from application.ports.statistics import PeriodRecords
from application.statistics.period_records import list_batches
from domain.administration.scope import Scope
from domain.statistics.hourly_counts import HourlyCounts
from domain.statistics.provider_report import ProviderSummary, ProviderSums
from domain.statistics.report import StatisticsQuery


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """The figures of providers, and those that are tried last now."""

    summary: ProviderSummary
    left: Sequence[ProviderState]


@dataclass(frozen=True, slots=True)
class ReportProviders:
    """Sum what all processes counted in some hours, by country, channel and provider.

    - Amounts need the scope of costs as well. Without it the rest is reported.
    - What a process counted in the last minute may be missing.

    `otp` is None where no codes are sent.
    """

    hourly_counts: PeriodRecords[HourlyCounts]
    otp: OtpExtensions | None

    async def __call__(self, caller: Caller, query: StatisticsQuery) -> ProviderReport:
        """Make the report.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        caller.check_scope(Scope.READ_STATISTICS)
        sums = ProviderSums(query)
        async for batch in list_batches(self.hourly_counts, query.first_hour, query.last_hour):
            for hourly in batch:
                sums.add(hourly)
        summary = sums.summarize(has_amounts=caller.has_scope(Scope.READ_COSTS))
        list_left = self.otp and self.otp.list_left_providers
        left = await list_left() if list_left else ()
        selected = [state for state in left if query.country in (None, state.country)]
        return ProviderReport(summary, selected)

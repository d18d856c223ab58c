"""Build the use cases of statistics."""

from typing import Final

from application.features.statistics.count_statistics import CountStatistics
from application.features.statistics.ports import StatisticsRepositories
from application.features.statistics.read_statistics import ReportStatistics
from application.features.statistics.write_statistics import WriteStatistics
from application.operations.cleanup import expire
from application.security_events import SecurityEventListeners
from application.use_cases import UseCases
from domain.features.statistics.period_sums import DAY, HOUR, PeriodSums

_INSTANCE_BYTES: Final = 8


class StatisticsFeature:
    """The use cases of statistics. From now on, security events are counted."""

    def __init__(
        self,
        core: UseCases,
        repositories: StatisticsRepositories,
        listeners: SecurityEventListeners,
    ) -> None:
        self.clock = core.system.clock
        instance = core.system.randomness.bytes(_INSTANCE_BYTES).hex()
        hours, days = (PeriodSums(period, instance) for period in (HOUR, DAY))
        self.count = CountStatistics(sums=(hours, days), clock=self.clock)
        listeners.add(self.count)
        self.write = WriteStatistics(((hours, repositories.hours), (days, repositories.days)))
        self.report = ReportStatistics(repositories)
        core.operations.cleanup.add_steps(
            {
                "expired_statistics_hours": expire(repositories.hours),
                "expired_statistics_days": expire(repositories.days),
            }
        )

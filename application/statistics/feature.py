"""Build the use cases of statistics."""

from application.operations.cleanup import expire
from application.ports.statistics import PeriodRecords
from application.security_events import SecurityEventListeners
from application.statistics.count_events import CountEventsByHour
from application.statistics.period_records import WriteSums, make_process_id
from application.statistics.report_statistics import ReportStatistics
from application.use_cases import UseCases
from domain.statistics.hourly_counts import HourlyCounts, HourlySums


class StatisticsFeature:
    """The use cases of statistics. From now on, security events are counted."""

    def __init__(
        self,
        core: UseCases,
        hourly_counts: PeriodRecords[HourlyCounts],
        listeners: SecurityEventListeners,
    ) -> None:
        self.clock = core.system.clock
        self.sums = HourlySums(make_process_id(core.system.randomness))
        listeners.add(CountEventsByHour(self.sums, self.clock))
        self.write = WriteSums(self.sums, hourly_counts)
        self.report = ReportStatistics(hourly_counts)
        core.operations.cleanup.add_steps({"expired_statistics": expire(hourly_counts)})

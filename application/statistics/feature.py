"""Statistics build themselves from what was counted."""

from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.statistics.report_statistics import ReportStatistics
from application.statistics.write_counts import WriteHourlyCounts
from domain.statistics.hourly_counts import HourlySums


class StatisticsFeature:
    """The use cases of statistics."""

    def __init__(
        self, system: SystemPorts, repositories: Repositories, hourly_sums: HourlySums
    ) -> None:
        """Build them.

        Args:
            system: What all features need.
            repositories: Where the counts are kept.
            hourly_sums: What `CountEventsByHour` counts.
        """
        self.clock = system.clock
        self.write = WriteHourlyCounts(hourly_sums, repositories.hourly_counts)
        self.report = ReportStatistics(repositories.hourly_counts)

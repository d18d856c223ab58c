"""Statistics of messages, logins and rejections."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.statistics import KINDS, make_statistics_repositories
from application.opened import Opened
from entrypoints.features.feature import Feature
from entrypoints.tasks.background_task import repeat, write_last

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics
    from application.features.statistics import StatisticsUseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition

_INTERVAL: Final = timedelta(seconds=55)
"""With the time of a write, a kill loses at most a minute of counts."""


class _Statistics(Feature["StatisticsUseCases"]):
    name = "statistics"
    kinds = KINDS
    must_be_open = True  # what commands do is counted too

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.statistics.api import StatisticsHttpAdditions

        return (StatisticsHttpAdditions(),)

    async def open(self, composition: "Composition") -> Opened["StatisticsUseCases"]:
        from application.features.statistics import open_statistics

        repositories = make_statistics_repositories(composition.database)
        statistics, additions = open_statistics(composition.core_ports, repositories)
        composition.tasks.append(write_repeatedly(statistics, composition.metrics))
        composition.stack.push_async_callback(
            write_last, statistics.write, "statistics_not_written"
        )
        return Opened(lambda _: statistics, additions)


def write_repeatedly(
    statistics: "StatisticsUseCases", metrics: "Metrics | None"
) -> AbstractAsyncContextManager[None]:
    """Write what was counted since the last write, in the background until the block ends."""
    return repeat(
        "statistics",
        statistics.write,
        failed_event="statistics_not_written",
        pause=_INTERVAL,
        metrics=metrics,
    )


STATISTICS: Final = _Statistics()

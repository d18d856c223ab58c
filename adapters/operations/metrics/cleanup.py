"""Scheduled cleanups are counted."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from adapters.operations.metrics.metrics import Metrics
from application.operations.cleanup import CleanupIncomplete, CleanupReport


class CountedCleanup:
    """A scheduled cleanup whose runs are counted, except runs that are not due."""

    def __init__(
        self, cleanup: Callable[[timedelta], Awaitable[CleanupReport | None]], metrics: Metrics
    ) -> None:
        self._cleanup = cleanup
        self._metrics = metrics

    async def __call__(self, interval: timedelta) -> CleanupReport | None:
        """Run the cleanup if it is due; what it raises counts as a failure."""
        started = time.perf_counter()
        try:
            report = await self._cleanup(interval)
        except BaseException as error:
            self._metrics.cleanup_runs.labels("failed").inc()
            if isinstance(error, CleanupIncomplete):
                self._count_deleted(error.report)
            raise
        if report is not None:
            self._metrics.cleanup_duration.observe(time.perf_counter() - started)
            self._metrics.cleanup_runs.labels("completed").inc()
            self._metrics.cleanup_last_success.set_to_current_time()
            self._count_deleted(report)
        return report

    def _count_deleted(self, report: CleanupReport) -> None:
        for kind, number in report.items():
            self._metrics.cleanup_deleted.labels(kind).inc(number)

"""Scheduled cleanups are counted."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

from adapters.operations.metrics.metrics import Metrics


class CountedCleanup:
    """A scheduled cleanup whose runs are counted. One that is not due does not count."""

    def __init__(
        self, cleanup: Callable[[timedelta], Awaitable[Counter[str] | None]], metrics: Metrics
    ) -> None:
        self._cleanup = cleanup
        self._metrics = metrics

    async def __call__(self, interval: timedelta) -> Counter[str] | None:
        """Run the cleanup if it is due; what it raises counts as a failure."""
        started = time.perf_counter()
        try:
            report = await self._cleanup(interval)
        except BaseException:
            self._metrics.cleanup_runs.labels("failed").inc()
            raise
        if report is not None:
            self._metrics.cleanup_duration.observe(time.perf_counter() - started)
            self._metrics.cleanup_runs.labels("completed").inc()
            self._metrics.cleanup_last_success.set_to_current_time()
            for kind, number in report.items():
                self._metrics.cleanup_deleted.labels(kind).inc(number)
        return report

"""Costs, scheduled cleanups and events of users are counted."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from adapters.metrics.metrics import Metrics, country_label
from application.events.send_events import SentEvents
from application.ports.journal import Journal, JournalUnavailable
from domain.otp.delivery import Channel

_MILLIONTHS = 1_000_000
_EVENT_RESULTS = ("accepted", "failed")


class CountedCosts:
    """Counts what messages and calls cost."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics

    def add(self, country: str, provider: str, channel: Channel, millionths: int) -> None:
        """Count what a message or call costs, in millionths of the currency."""
        labels = (country_label(country), self._metrics.provider_label(provider), channel.value)
        self._metrics.message_cost.labels(*labels).inc(millionths / _MILLIONTHS)


class CountedJournal:
    """A journal whose lines are counted: those that it took, and attempts that failed."""

    def __init__(self, journal: Journal, metrics: Metrics) -> None:
        """Count what is written to this journal."""
        self._journal = journal
        self._lines = metrics.journal_lines

    async def write(self, line: str) -> None:
        """Write the line, and count."""
        try:
            await self._journal.write(line)
        except JournalUnavailable:
            self._lines.labels("failed").inc()
            raise
        self._lines.labels("written").inc()


class CountedCleanup:
    """A scheduled cleanup whose runs are counted. One that is not due does not count."""

    def __init__(
        self, cleanup: Callable[[timedelta], Awaitable[Counter[str] | None]], metrics: Metrics
    ) -> None:
        """Count the runs of this cleanup."""
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


class CountedEvents:
    """Counts events that destinations accepted, and attempts that failed."""

    def __init__(
        self,
        send: Callable[[], Awaitable[Mapping[str, SentEvents] | None]],
        metrics: Metrics,
        names: Sequence[str],
    ) -> None:
        """Count what is sent here.

        Args:
            send: Sends for some seconds; returns what was sent by the destinations' stored names.
            metrics: Where it is counted.
            names: The stored names in the order of the setting: the label is the position.
        """
        self._send = send
        self._counters = {
            name: [metrics.events.labels(str(position), result) for result in _EVENT_RESULTS]
            for position, name in enumerate(names, start=1)
        }

    async def __call__(self) -> Mapping[str, SentEvents] | None:
        """Send, and count."""
        sent = await self._send()
        for name, result in (sent or {}).items():
            accepted, failed = self._counters[name]
            accepted.inc(result.accepted)
            failed.inc(result.failed)
        return sent

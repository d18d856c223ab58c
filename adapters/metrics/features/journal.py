"""Lines of the journal."""

from prometheus_client import Counter

from adapters.metrics.metrics import Metrics
from application.ports.journal import Journal, JournalUnavailable


def declare_journal_lines(metrics: Metrics) -> Counter:
    """Declare the counter of lines. It is zero without a journal, too."""
    lines = metrics.counter(
        "journal_lines", "Lines of the journal, and attempts to write one that failed.", "result"
    )
    for result in ("written", "failed", "dropped"):
        lines.labels(result)
    return lines


class CountedJournal:
    """A journal whose lines are counted: those that it took, and attempts that failed."""

    def __init__(self, journal: Journal, lines: Counter) -> None:
        """Count what is written to this journal."""
        self._journal = journal
        self._lines = lines

    async def write(self, line: str) -> None:
        try:
            await self._journal.write(line)
        except JournalUnavailable:
            self._lines.labels("failed").inc()
            raise
        self._lines.labels("written").inc()

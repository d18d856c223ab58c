"""Lines of the journal are counted."""

from adapters.metrics.metrics import Metrics
from application.ports.journal import Journal, JournalUnavailable


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

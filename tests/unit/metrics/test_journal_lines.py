"""What is counted of the journal."""

import pytest

from adapters.metrics.features.journal import CountedJournal, declare_journal_lines
from adapters.metrics.metrics import Metrics
from application.ports.journal import JournalUnavailable
from tests.support.counts import counts


class UnreliableJournal:
    """A journal, which may be unavailable."""

    def __init__(self) -> None:
        self.is_unavailable = False

    async def write(self, line: str) -> None:
        if self.is_unavailable:
            raise JournalUnavailable(line)


async def test_lines_are_counted_and_attempts_that_failed() -> None:
    metrics, journal = Metrics(), UnreliableJournal()
    counted = CountedJournal(journal, declare_journal_lines(metrics))
    await counted.write("a line")
    journal.is_unavailable = True
    with pytest.raises(JournalUnavailable):
        await counted.write("a line")

    assert counts(metrics)["journal_lines"] == {("written",): 1, ("failed",): 1}


def test_lines_are_zero_from_the_start() -> None:
    metrics = Metrics()
    declare_journal_lines(metrics)

    for result in ("written", "failed", "dropped"):
        labels = {"result": result}
        assert metrics.registry.get_sample_value("dialtone_journal_lines_total", labels) == 0

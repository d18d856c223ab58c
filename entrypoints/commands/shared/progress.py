"""How far a long job is: a bar on a terminal, elsewhere a line on stderr now and then."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich import progress
from rich.console import Console

from entrypoints.settings.startup_error import print_errors

INTERVAL: Final = 2.0
"""Seconds between two lines."""


class ReportProgress(Protocol):
    """Shows what is done of a job, or of its next part, which has another label.

    Without a total, or if more than that are done, it is not known how many there are.
    """

    def __call__(self, label: str, done: int, total: int | None = None) -> None: ...


class ProgressLines:
    """Prints lines for a file or a pipe, every two seconds at most."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._shown_at = now, now()

    def __call__(self, label: str, done: int, total: int | None = None) -> None:
        if self._now() - self._shown_at >= INTERVAL:
            self._shown_at = self._now()
            of_total = f" of {total:,}" if total and done <= total else ""
            print_errors(f"{label}: {done:,}{of_total}")


@contextmanager
def show_progress() -> Iterator[ReportProgress]:
    """Show on stderr how far a job is, until the block ends."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if not is_terminal or os.environ.get("TERM") == "dumb":
        yield ProgressLines()
        return

    label_column = progress.TextColumn("{task.description}", markup=False)
    counts = (progress.MofNCompleteColumn(), progress.TimeRemainingColumn())
    columns = (label_column, progress.BarColumn(), *counts)
    console = Console(stderr=True, markup=False, highlight=False)
    with progress.Progress(*columns, console=console, transient=True) as bar:

        def report(label: str, done: int, total: int | None = None) -> None:
            last = bar.tasks[-1] if bar.tasks else None
            if last and last.description == label and last.completed <= done:
                bar.update(last.id, completed=done, total=total)
                return
            if last:
                bar.remove_task(last.id)
            bar.add_task(label, completed=done, total=total or None)

        yield report

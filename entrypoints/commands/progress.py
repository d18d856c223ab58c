"""How far a long job is, in a line on stderr now and then."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from entrypoints.opening.startup_error import print_errors

INTERVAL: Final = 2.0
"""Seconds between two lines."""


class ProgressLine:
    """Prints what is done, of how many, the rate and an estimate, every two seconds at most."""

    def __init__(
        self,
        print_line: Callable[[str], None] = print_errors,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Print lines with a function, by a clock in seconds."""
        self._print = print_line
        self._now = now
        self._label = ""
        self._began_at, self._done_before, self._done = now(), 0, 0
        self._shown_at = now()

    def __call__(self, label: str, done: int, total: int | None = None) -> None:
        """Show a job, or a part of one.

        Args:
            label: What is done. With a new label, or if fewer are done, rate and estimate begin
                anew.
            done: How many are done, also in an earlier start.
            total: Of about how many; None or 0 if it is not known.
        """
        now = self._now()
        if label != self._label or done < self._done:
            self._label, self._began_at, self._done_before = label, now, done
        self._done = done
        if now - self._shown_at < INTERVAL:
            return
        self._shown_at = now
        rate = (done - self._done_before) / (now - self._began_at or INTERVAL)
        self._print(f"{label}: {done:,}{_describe_total(done, total, rate)}")


def _describe_total(done: int, total: int | None, rate: float) -> str:
    text = f", {rate:,.0f} a second" if rate else ""
    if not total or done > total:  # the number may be an old estimate of the database
        return text
    percent = 100 * done // total
    left = timedelta(seconds=round((total - done) / rate)) if rate else None
    return f" of {total:,} ({percent} %){text}{f', about {left} left' if left is not None else ''}"

"""The clock of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        now = datetime.now(UTC)
        # Truncated, not rounded: the result is never in the future.
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

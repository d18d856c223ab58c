from datetime import UTC, datetime


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Give the time, in UTC, in whole milliseconds."""
        now = datetime.now(UTC)
        # Cut and not rounded: a moment that has not come yet is never given.
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

from datetime import UTC, datetime, timedelta


class MovableClock:
    """A clock that moves only by `advance`."""

    def __init__(self, now: datetime = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


class SecondsClock:
    """Seconds that a test moves forward."""

    def __init__(self, seconds: float = 1_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

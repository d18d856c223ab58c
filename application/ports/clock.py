from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Give the time, in UTC, in whole milliseconds."""
        ...

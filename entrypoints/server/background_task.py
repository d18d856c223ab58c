"""What the server repeats while it runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTask:
    """Work that is repeated until the server stops.

    Attributes:
        work: Does it once.
        failed_event: What the log says if it failed.
        first: The time until it is done first.
        pause: The time between two times.
        limit: How long it may take.
    """

    work: Callable[[], Awaitable[object]]
    failed_event: str
    first: timedelta
    pause: timedelta
    limit: timedelta

"""Attempts to send events of users."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from adapters.operations.metrics.metrics import Metrics
from application.features.events.send_events import SentEvents

_RESULTS: Final = ("accepted", "failed")


class CountedEvents:
    """Counts events that destinations accepted, and attempts that failed."""

    def __init__(
        self,
        send: Callable[[], Awaitable[Mapping[str, SentEvents] | None]],
        metrics: Metrics,
        names: Sequence[str],
    ) -> None:
        """Count what is sent here, by the position of a destination's stored name in `names`."""
        self._send = send
        events = metrics.counter(
            "events", "Attempts to send an event of a user.", *("destination", "result")
        )
        self._counters = {
            name: [events.labels(str(position), result) for result in _RESULTS]
            for position, name in enumerate(names, start=1)
        }

    async def __call__(self) -> Mapping[str, SentEvents] | None:
        sent = await self._send()
        for name, result in (sent or {}).items():
            accepted, failed = self._counters[name]
            accepted.inc(result.accepted)
            failed.inc(result.failed)
        return sent

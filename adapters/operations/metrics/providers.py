"""The pauses of providers of messages and calls."""

import asyncio

from adapters.operations.metrics.metrics import Metrics


class PauseGauge:
    """How many workers do not call a provider now."""

    def __init__(self, metrics: Metrics, provider: str) -> None:
        self._gauge = metrics.provider_paused.labels(metrics.provider_label(provider))
        # A former process with this id may have been killed in a pause.
        self._gauge.set(0)
        self._end: asyncio.TimerHandle | None = None

    def __call__(self, seconds: float) -> None:
        """Show a pause with so many seconds left; 0 is the end of one."""
        if self._end is not None:
            self._end.cancel()
        self._gauge.set(1 if seconds else 0)
        if seconds:
            self._end = asyncio.get_running_loop().call_later(seconds, self._gauge.set, 0)

"""The pauses of providers of messages and calls."""

import asyncio

from adapters.operations.metrics.metrics import Metrics


class PauseGauge:
    """The pauses of a provider in all workers: one for messages of a channel, or for calls."""

    def __init__(self, metrics: Metrics, provider: str) -> None:
        self._gauge = metrics.provider_paused.labels(metrics.provider_label(provider))
        # A former process with this id may have been killed in a pause.
        self._gauge.set(0)
        self._end: asyncio.TimerHandle | None = None

    def __call__(self, seconds: float) -> None:
        """Show a pause with its seconds left; 0 ends it."""
        if self._end is not None:
            self._end.cancel()
            self._finish()
        if seconds:
            self._gauge.inc()
            self._end = asyncio.get_running_loop().call_later(seconds, self._finish)

    def _finish(self) -> None:
        self._end = None
        self._gauge.dec()

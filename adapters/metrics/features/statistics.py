"""What messages and calls cost."""

from typing import Final

from adapters.metrics.metrics import Metrics, country_label
from domain.otp.delivery import Channel

_MILLIONTHS: Final = 1_000_000


class CountedCosts:
    """Counts what messages and calls cost."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics
        self._message_cost = metrics.counter(
            "message_cost",
            "What messages and calls cost, in the currency of the price file.",
            *("country", "provider", "channel"),
        )

    def add(self, country: str, provider: str, channel: Channel, millionths: int) -> None:
        """Count what a message or call costs, in millionths of the currency."""
        labels = (country_label(country), self._metrics.provider_label(provider), channel.value)
        self._message_cost.labels(*labels).inc(millionths / _MILLIONTHS)

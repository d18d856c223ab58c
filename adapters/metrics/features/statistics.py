"""What messages and calls cost."""

from typing import Final

from adapters.metrics.metrics import Metrics, country_label
from domain.statistics.period_sums import DeliveryGroup

_MILLIONTHS: Final = 1_000_000


class CountedCosts:
    """Counts what messages and calls cost."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._message_cost = metrics.counter(
            "message_cost",
            "What messages and calls cost, in the currency of the price file.",
            *("country", "provider", "channel"),
        )

    def add(self, group: DeliveryGroup, millionths: int) -> None:
        """Count what a message or call costs, in millionths of the currency."""
        provider = self._metrics.provider_label(group.provider)
        labels = (country_label(group.country), provider, group.channel.value)
        self._message_cost.labels(*labels).inc(millionths / _MILLIONTHS)

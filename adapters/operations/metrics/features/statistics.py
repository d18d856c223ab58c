"""What messages and calls cost."""

from collections.abc import Callable
from typing import Final

from adapters.operations.metrics.metrics import Metrics, country_label
from domain.features.statistics.period_sums import DeliveryGroup

_MILLIONTHS: Final = 1_000_000


def meter_amounts(metrics: Metrics) -> Callable[[DeliveryGroup, int], None]:
    """Return what counts the amount of a message or call, in millionths of the currency."""
    message_cost = metrics.counter(
        "message_cost",
        "What messages and calls cost, in the currency of the price file.",
        *("country", "provider", "channel"),
    )

    def meter(group: DeliveryGroup, millionths: int) -> None:
        provider = metrics.provider_label(group.provider)
        labels = (country_label(group.country), provider, group.channel.value)
        message_cost.labels(*labels).inc(millionths / _MILLIONTHS)

    return meter

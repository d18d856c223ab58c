"""What is shown of the pauses of a provider."""

import asyncio

from adapters.operations.metrics.metrics import Metrics
from adapters.operations.metrics.providers import PauseGauge


async def test_the_end_of_one_pause_leaves_the_other_one_of_the_provider() -> None:
    metrics = Metrics({"twilio"})
    messages, calls = PauseGauge(metrics, "twilio"), PauseGauge(metrics, "twilio")

    def shown() -> float | None:
        return metrics.registry.get_sample_value("dialtone_provider_paused", {"provider": "twilio"})

    messages(60)
    calls(60)
    assert shown() == 2
    messages(900)
    assert shown() == 2
    messages(0)
    messages(0)
    assert shown() == 1
    calls(0.001)
    await asyncio.sleep(0.01)  # longer than that pause
    assert shown() == 0

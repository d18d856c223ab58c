"""What is counted of events of users."""

from adapters.operations.metrics.features.events import CountedEvents
from adapters.operations.metrics.metrics import Metrics
from application.features.events.send_events import SentEvents
from tests.support.counts import counts


async def test_events_are_counted_by_the_position_of_their_destination() -> None:
    metrics = Metrics()
    results = [{"a": SentEvents(accepted=3), "b": SentEvents(1, 2, "status 500")}, None]

    async def send() -> dict[str, SentEvents] | None:
        return results.pop(0)

    counted_events = CountedEvents(send, metrics, ["b", "a"])
    assert await counted_events() is not None
    assert await counted_events() is None
    assert counts(metrics)["events"] == {
        ("1", "accepted"): 1,
        ("1", "failed"): 2,
        ("2", "accepted"): 3,
    }

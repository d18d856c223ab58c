"""A destination of events, with access to what it sends to."""

from datetime import datetime
from typing import NamedTuple

from application.features.events.send_events import EventDestination
from tests.contract.suites.provider_driver import ProviderDriver, list_sent


class ReceivedEvent(NamedTuple):
    """An event as the receiver got it, or its fields.

    `at` is when it occurred, with a time zone: a time, or its ISO 8601 text. An event without a
    phone has an empty one.
    """

    id: str
    type: str
    at: datetime | str
    user_id: str
    phone: str


class EventsDriver(ProviderDriver):
    """A destination of events, and access to its receiver."""

    def __init__(self, destination: EventDestination) -> None:
        super().__init__(destination)
        self.destination = destination

    async def received(self) -> list[ReceivedEvent]:
        """Return all events that the receiver ever got in their order, answered or not."""
        return await list_sent(self.adapter, "received", ReceivedEvent)

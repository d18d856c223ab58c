"""A destination of events, with access to what it sends to."""

from application.ports.events import EventDestination
from pytest_dialtone.external_adapter import call_test_method


class EventsDriver:
    """A destination of events, and access to what it sends to."""

    def __init__(self, destination: EventDestination) -> None:
        self.destination = destination

    async def received(self) -> list[str]:
        """Return the ids of all events, in their order."""
        raise NotImplementedError

    async def break_receiver(self) -> None:
        """Make the receiver unavailable."""
        raise NotImplementedError


class ExternalEventsDriver(EventsDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    async def received(self) -> list[str]:
        return list(await call_test_method(self.destination, "received"))

    async def break_receiver(self) -> None:
        await call_test_method(self.destination, "break_provider")

"""A destination of events, with access to what it sends to."""

from application.features.events.ports import EventDestination
from tests.contract.suites.external_adapter import call_test_method
from tests.contract.suites.provider_driver import ExternalProviderDriver, ProviderDriver


class EventsDriver(ProviderDriver):
    """A destination of events, and access to its receiver."""

    destination: EventDestination

    async def received(self) -> list[str]:
        """Return the ids of all events in their order, also of those it did not answer."""
        raise NotImplementedError


class ExternalEventsDriver(ExternalProviderDriver, EventsDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    def __init__(self, destination: EventDestination) -> None:
        super().__init__(destination)
        self.destination = destination

    async def received(self) -> list[str]:
        return list(await call_test_method(self.destination, "received"))

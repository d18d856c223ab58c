"""Destinations of events in memory: one that keeps its promises, and some that do not."""

from application.features.events.ports import Event, EventRejected
from tests.contract.suites.events import test_event_destination as suite
from tests.contract.suites.provider_driver import HANGS
from tests.integration.adapter_run.wrong_adapters import breaks
from tests.support.fakes.destination import FakeDestination


class EventList(FakeDestination):
    """A fake that the suite can look into and break."""

    is_reachable = True

    def received(self) -> list[str]:
        return self.attempted

    async def send(self, event: Event) -> None:
        if not self.is_reachable:
            raise EventRejected("there is no receiver")
        await super().send(event)

    def break_provider(self) -> None:
        self.is_reachable = False

    def hang_provider(self) -> None:
        self.rejects = lambda _: EventRejected("the receiver does not answer")

    drop_provider = hang_provider

    def fail_provider(self, status: int) -> None:
        self.rejects = lambda _: EventRejected(f"status {status}")

    def mend_provider(self) -> None:
        self.is_reachable = True
        self.rejects = lambda _: None


@breaks(
    suite.test_without_a_receiver_an_event_is_rejected_in_time,
    "send returned None, but has to raise EventRejected",
)
class SwallowedEvents(EventList):
    """A defect: without its receiver it accepts events all the same."""

    def break_provider(self) -> None:
        """Go on."""


@breaks(
    suite.test_an_event_without_an_answer_is_rejected_and_left_to_the_service,
    "send accepted an event without sending it",
    failure=HANGS,
)
class AcceptedRepeats(EventList):
    """A defect: it accepts an event that it knows, though it may not have arrived."""

    async def send(self, event: Event) -> None:
        if event.id not in self.attempted:
            await super().send(event)

"""Destinations of events in memory: one that keeps its promises, and some that do not."""

from dataclasses import replace
from datetime import UTC
from typing import Final

from application.features.events.send_events import Event, EventRejected
from domain.identities.user_events import EventType
from tests.contract.suites.events import test_event_destination as suite
from tests.contract.suites.provider_driver import HANGS
from tests.integration.adapter_run.wrong_adapters import breaks
from tests.support.fakes.destination import FakeDestination

ARRIVES: Final = suite.test_an_event_arrives_with_its_own_type_time_user_and_phone


class EventList(FakeDestination):
    """A fake that the suite can look into and break."""

    is_reachable = True

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str, object, str, str | None]] = []

    def received(self) -> list[tuple[str, str, object, str, str | None]]:
        return self.events

    async def send(self, event: Event) -> None:
        if not self.is_reachable:
            raise EventRejected("there is no receiver")
        fields = (event.id, event.type, event.occurred_at, event.user_id, event.phone)
        self.events.append(fields)
        await super().send(event)

    def provider_is(self, state: str) -> None:
        self.is_reachable = state not in ("away", "refuses")
        error = None if state == "well" else EventRejected("the receiver does not answer")
        self.rejects = lambda _: error

    def fail_provider(self, status: int) -> None:
        self.rejects = lambda _: EventRejected(f"status {status}")


@breaks(
    suite.test_an_event_that_was_rejected_arrives_when_it_comes_again,
    "send returned None, but has to raise EventRejected",
)
class SwallowedEvents(EventList):
    """A defect: without its receiver it accepts events all the same."""

    def provider_is(self, state: str) -> None:
        """Go on."""


@breaks(ARRIVES, "user.updated'.* arrived for Event")
class OneType(EventList):
    """A defect: all events have the same type."""

    async def send(self, event: Event) -> None:
        await super().send(replace(event, type=EventType.USER_UPDATED))


@breaks(ARRIVES, "arrived as the time of Event")
class LocalTime(EventList):
    """A defect: the time is the local one, as if it were UTC."""

    async def send(self, event: Event) -> None:
        local = event.occurred_at.astimezone().replace(tzinfo=UTC)
        await super().send(replace(event, occurred_at=local))


@breaks(ARRIVES, "the same millisecond")
class WholeSeconds(EventList):
    """A defect: the time has no fraction of a second."""

    async def send(self, event: Event) -> None:
        await super().send(replace(event, occurred_at=event.occurred_at.replace(microsecond=0)))


@breaks(ARRIVES, "phone=.* arrived for Event")
class FormerPhone(EventList):
    """A defect: an event without a phone has that of the one before."""

    former: str | None = None

    async def send(self, event: Event) -> None:
        self.former = event.phone or self.former
        await super().send(replace(event, phone=self.former))


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

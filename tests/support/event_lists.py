"""Destinations of events in memory: one that keeps its promises, and one that does not."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from application.ports.events import EventRejected
from tests.support.fakes.destination import FakeDestination


class EventList(FakeDestination):
    """A fake that the suite can look into and break."""

    def received(self) -> list[str]:
        return [event.id for event in self.accepted]

    def break_provider(self) -> None:
        self.rejects = lambda _: EventRejected("there is no receiver")


class SwallowedEvents(EventList):
    """A defect: without its receiver it accepts events all the same."""

    def break_provider(self) -> None:
        """Go on."""


@asynccontextmanager
async def open_event_list(*, environ: Mapping[str, str]) -> AsyncIterator[EventList]:
    yield SwallowedEvents() if "SWALLOWS_EVENTS" in environ else EventList()

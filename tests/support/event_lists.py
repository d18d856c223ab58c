"""Destinations of events in memory: one that keeps its promises, and one that does not."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from application.ports.events import Event, EventRejected


class EventList:
    """Keeps the ids of events."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.is_broken = False

    async def send(self, event: Event) -> None:
        if self.is_broken:
            self.reject(event)
        self.ids.append(event.id)

    def reject(self, event: Event) -> None:
        raise EventRejected("there is no receiver")

    def received(self) -> list[str]:
        return self.ids

    def break_provider(self) -> None:
        self.is_broken = True


class SwallowedEvents(EventList):
    """A defect: without its receiver it accepts events, and loses them."""

    def reject(self, event: Event) -> None:
        pass


@asynccontextmanager
async def open_event_list(*, environ: Mapping[str, str]) -> AsyncIterator[EventList]:
    yield SwallowedEvents() if "SWALLOWS_EVENTS" in environ else EventList()

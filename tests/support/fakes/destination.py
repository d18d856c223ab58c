import asyncio
from collections.abc import Callable

from application.features.events.send_events import Event
from domain.identities.user_events import EventType


class FakeDestination:
    """Keeps every event that it accepts, and every id that it gets.

    - `rejects` returns an error to raise for an event, or None.
    - If there is a `gate`, `send` returns after it is set.
    - `most_at_once` is how many events it got at the same time.
    """

    def __init__(self) -> None:
        self.accepted: list[Event] = []
        self.attempted: list[str] = []
        self.rejects: Callable[[Event], BaseException | None] = lambda _: None
        self.gate: asyncio.Event | None = None
        self.most_at_once = 0
        self._under_way = 0

    @property
    def types(self) -> list[EventType]:
        return [event.type for event in self.accepted]

    async def send(self, event: Event) -> None:
        self.attempted.append(event.id)
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self._under_way -= 1
        if error := self.rejects(event):
            raise error
        self.accepted.append(event)

from typing import TypeVar

from application.ports.security_events import SecurityEvent

E = TypeVar("E", bound=SecurityEvent)


class FakeSecurityEvents:
    """Keeps all events."""

    def __init__(self) -> None:
        self.recorded: list[SecurityEvent] = []

    @property
    def types(self) -> list[type[SecurityEvent]]:
        """The types of the events, in order."""
        return [type(event) for event in self.recorded]

    def of_type(self, event_type: type[E]) -> list[E]:
        """Return the events of a type, in order."""
        return [event for event in self.recorded if isinstance(event, event_type)]

    def record(self, event: SecurityEvent) -> None:
        self.recorded.append(event)

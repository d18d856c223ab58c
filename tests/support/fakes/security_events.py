from application.ports.security_events import SecurityEvent, SecurityEventType


class FakeSecurityEvents:
    """Keeps all emitted events."""

    def __init__(self) -> None:
        self.emitted: list[SecurityEvent] = []

    @property
    def types(self) -> list[SecurityEventType]:
        """The types of the events, in order."""
        return [event.type for event in self.emitted]

    def emit(self, event: SecurityEvent) -> None:
        self.emitted.append(event)

from application.ports.security_events import Fact, SecurityEvent


class RecordedEvents:
    """Keeps every event that it was told."""

    def __init__(self) -> None:
        self.told: list[SecurityEvent] = []

    @property
    def facts(self) -> list[Fact]:
        """What happened, in order."""
        return [event.fact for event in self.told]

    def tell(self, event: SecurityEvent) -> None:
        self.told.append(event)

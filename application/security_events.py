"""Security events go to all who listen."""

from application.ports.security_events import SecurityEvent, SecurityEvents


class SecurityEventListeners:
    """Passes each event on to all listeners. A feature adds its own when it is opened."""

    def __init__(self, *listeners: SecurityEvents) -> None:
        self._listeners = [*listeners]

    def add(self, listener: SecurityEvents) -> None:
        self._listeners.append(listener)

    def record(self, event: SecurityEvent) -> None:
        for listener in self._listeners:
            listener.record(event)

"""Security events go to all who listen."""

from typing import Unpack

from application.ports.system import SecurityEventDetails, SecurityEvents, SecurityEventType


class SecurityEventListeners:
    """Emits each event to all listeners. A feature adds its own when it is opened."""

    def __init__(self, *listeners: SecurityEvents) -> None:
        """Begin with these listeners."""
        self._listeners = [*listeners]

    def add(self, listener: SecurityEvents) -> None:
        """Add a listener."""
        self._listeners.append(listener)

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Emit an event; never waits and never raises."""
        for listener in self._listeners:
            listener.emit(event, **details)

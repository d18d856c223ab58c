"""What the core and the features are built of: their outside world, but for ports of their own."""

from dataclasses import dataclass

from application.identities.use_cases import IdentitiesPolicy
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.security_events import SecurityEvent, SecurityEvents
from application.ports.system import SystemPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePorts:
    """Ports shared by core and features."""

    system: SystemPorts
    repositories: Repositories
    keyed_hashes: KeyedHashes
    policy: IdentitiesPolicy


class SecurityEventListeners:
    """Passes each event on to all listeners; those of features are added when all are known."""

    def __init__(self, *listeners: SecurityEvents) -> None:
        self._listeners = [*listeners]

    def add(self, listener: SecurityEvents) -> None:
        self._listeners.append(listener)

    def record(self, event: SecurityEvent) -> None:
        for listener in self._listeners:
            listener.record(event)

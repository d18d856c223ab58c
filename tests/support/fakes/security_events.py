from dataclasses import dataclass
from typing import Unpack

from application.ports.system import SecurityEventDetails, SecurityEventType
from domain.identities.identity import Role
from domain.phone import PhoneNumber


@dataclass(frozen=True)
class SecurityEvent:
    """An emitted event. An empty detail is None."""

    type: SecurityEventType
    phone: PhoneNumber | None = None
    user_id: str | None = None
    role: Role | None = None
    reason: str | None = None
    attempts_left: int | None = None


class FakeSecurityEvents:
    """Keeps all emitted events."""

    def __init__(self) -> None:
        self.emitted: list[SecurityEvent] = []

    @property
    def types(self) -> list[SecurityEventType]:
        """The types of the events, in order."""
        return [event.type for event in self.emitted]

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        details["reason"] = details.get("reason") or None
        self.emitted.append(SecurityEvent(event, **details))

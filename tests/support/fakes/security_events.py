from dataclasses import dataclass
from typing import Any, Unpack

from application.ports.system import SecurityEventDetails, SecurityEventType
from domain.identities.role import Role
from domain.otp.delivery import Channel
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
    country: str | None = None
    phone_hash: str | None = None
    provider: str | None = None
    channel: Channel | None = None
    provider_message_id: str | None = None
    error_code: str | None = None
    limit: str | None = None
    result: str | None = None


class FakeSecurityEvents:
    """Keeps all emitted events."""

    def __init__(self) -> None:
        self.emitted: list[SecurityEvent] = []

    @property
    def types(self) -> list[SecurityEventType]:
        """The types of the events, in order."""
        return [event.type for event in self.emitted]

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        given: dict[str, Any] = {name: value for name, value in details.items() if value != ""}
        self.emitted.append(SecurityEvent(event, **given))

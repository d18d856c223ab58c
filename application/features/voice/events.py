"""The security events of calls."""

from dataclasses import dataclass

from application.ports.security_events import PhoneEvent, RejectionEvent
from domain.phone import PhoneNumber


@dataclass(frozen=True, kw_only=True)
class CallRejected(RejectionEvent):
    """The caller heard a busy tone, or no line to the line operator was free."""

    name = "call_rejected"
    is_warning = True
    phone: PhoneNumber | None

    @property
    def country(self) -> str:
        return self.phone.country if self.phone else ""


@dataclass(frozen=True, kw_only=True)
class CallerRegistered(PhoneEvent):
    """Somebody joined by a call."""

    name = "caller_registered"
    user_id: str

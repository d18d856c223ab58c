"""The security event of changes of the number."""

from dataclasses import dataclass

from application.ports.security_events import PhoneEvent


@dataclass(frozen=True, kw_only=True)
class PhoneChanged(PhoneEvent):
    """An account has another number, which is the phone."""

    name = "phone_changed"
    is_always_logged = True
    user_id: str
    reason: str

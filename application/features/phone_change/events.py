"""The security events of changes of the number."""

from dataclasses import dataclass

from application.ports.security_events import PhoneEvent


@dataclass(frozen=True, kw_only=True)
class PhoneChanged(PhoneEvent):
    """An account has another number, which is the phone."""

    name = "phone_changed"
    is_always_logged = True
    user_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PhoneChangeUndone(PhoneEvent):
    """The former number, which is the phone, undid a change."""

    name = "phone_change_undone"
    is_warning = True
    user_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PhoneDisowned(PhoneEvent):
    """Whoever signed in with the phone said that the account is not theirs."""

    name = "phone_disowned"
    is_warning = True
    user_id: str
    reason: str

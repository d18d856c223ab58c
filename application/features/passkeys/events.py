"""The security events of passkeys. A sign-in with one is `console_signed_in`."""

from dataclasses import dataclass

from application.ports.security_events import SecurityEvent
from domain.phone import PhoneNumber


@dataclass(frozen=True, kw_only=True)
class PasskeyAdded(SecurityEvent):
    """Somebody of the staff added a passkey. The reason says by which invitation."""

    name = "passkey_added"
    is_warning = True
    phone: PhoneNumber | None
    user_id: str
    passkey_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PasskeyRemoved(SecurityEvent):
    """A passkey was removed, by its owner or by an operator."""

    name = "passkey_removed"
    phone: PhoneNumber | None
    user_id: str
    passkey_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PasskeyFailed(SecurityEvent):
    """A response with a passkey proved nothing. The user is who it claims to be of, if known."""

    name = "passkey_rejected"
    is_warning = True
    max_lines_a_minute = 100
    user_id: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class PasskeyCountFell(SecurityEvent):
    """The signature was right, but its count did not rise: the authenticator may have a copy."""

    name = "passkey_count_fell"
    is_warning = True
    user_id: str
    passkey_id: str

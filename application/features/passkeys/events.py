"""The security events of passkeys."""

from dataclasses import dataclass

from application.identities.additions import PASSKEY_CHANNEL
from application.ports.security_events import PhoneEvent, SecurityEvent
from domain.phone import PhoneNumber


@dataclass(frozen=True, kw_only=True)
class PasskeyAdded(SecurityEvent):
    """A user added a passkey."""

    name = "passkey_added"
    phone: PhoneNumber | None
    user_id: str
    passkey_id: str


@dataclass(frozen=True, kw_only=True)
class TellingEvent(SecurityEvent):
    """What a message tells the number of the account.

    `message_left_out` is the limit or the block because of which there is none; empty if it is
    sent.
    """

    phone: PhoneNumber | None
    user_id: str
    passkey_id: str
    reason: str
    message_left_out: str = ""


@dataclass(frozen=True, kw_only=True)
class PasskeyRemoved(TellingEvent):
    """A passkey was removed, by its owner or by an operator."""

    name = "passkey_removed"
    is_always_logged = True


@dataclass(frozen=True, kw_only=True)
class PasskeyFailed(SecurityEvent):
    """A response with a passkey proved nothing. The user is the one that it claims, if known."""

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


@dataclass(frozen=True, kw_only=True)
class PasskeyLoginSucceeded(PhoneEvent):
    """A passkey was right, and a session was started. It is no login by a message."""

    name = "login_succeeded"
    user_id: str
    session_id: str
    channel: str = PASSKEY_CHANNEL

"""The security events of sign-ins to the console."""

from dataclasses import dataclass

from application.ports.security_events import PhoneEvent, SecurityEvent


@dataclass(frozen=True, kw_only=True)
class ConsoleSignInSucceeded(PhoneEvent):
    """Somebody of the staff signed in to the console."""

    name = "console_signed_in"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class ConsoleSignedOut(SecurityEvent):
    """Somebody of the staff signed out of the console."""

    name = "console_signed_out"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class ConsoleSignInFailed(PhoneEvent):
    """A code did not open the console."""

    name = "console_sign_in_failed"
    is_warning = True
    reason: str
    attempts_left: int

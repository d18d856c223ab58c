"""The security events of identities and their sessions."""

from dataclasses import dataclass

from application.ports.security_events import PhoneEvent, SecurityEvent
from domain.identities.role import Role
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber


@dataclass(frozen=True, kw_only=True)
class LoginSucceeded(PhoneEvent):
    """A code was correct, and a session was started. Channel and provider are the code's."""

    name = "login_succeeded"
    user_id: str
    session_id: str
    channel: Channel
    provider: str


@dataclass(frozen=True, kw_only=True)
class StaffSignedInByCode(PhoneEvent):
    """A code signed in somebody whose rights of staff need a passkey, on an unknown device.

    The session has no right of the role. But somebody else may have the SIM card.
    """

    name = "staff_signed_in_by_code"
    is_warning = True
    user_id: str


@dataclass(frozen=True, kw_only=True)
class LoginRejectedByHook(PhoneEvent):
    """A code or passkey was correct, and the login hook rejected the login, with this text."""

    name = "login_rejected"
    user_id: str | None
    reason: str
    channel: str | None = None


@dataclass(frozen=True, kw_only=True)
class UserCreated(PhoneEvent):
    """An identity chose its first username, or an administrator made it a user."""

    name = "user_created"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class SessionRefreshed(SecurityEvent):
    """A refresh token was exchanged for the next one."""

    name = "session_refreshed"
    user_id: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class RefreshTokenRejected(SecurityEvent):
    """The service did not issue the refresh token, or its session is over."""

    name = "refresh_token_rejected"
    user_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefreshTokenReused(SecurityEvent):
    """A refresh token was exchanged or replaced before. Its session was revoked."""

    name = "refresh_token_reused"
    is_warning = True
    user_id: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class RefreshTokenRepeated(SecurityEvent):
    """The previous refresh token came again, from another network."""

    name = "refresh_token_repeated"
    is_warning = True
    user_id: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(SecurityEvent):
    """Sessions were signed out, or the one with this id. An operator did it if there is a phone."""

    name = "session_revoked"
    is_always_logged = True
    phone: PhoneNumber | None = None
    user_id: str
    session_id: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class PhoneBlockedByOperator(PhoneEvent):
    """A phone is blocked, also if it was before."""

    name = "phone_blocked"
    is_always_logged = True
    user_id: str | None


@dataclass(frozen=True, kw_only=True)
class PhoneUnblockedByOperator(PhoneEvent):
    """A phone is not blocked anymore, also if it was not before."""

    name = "phone_unblocked"
    is_always_logged = True
    user_id: str | None


@dataclass(frozen=True, kw_only=True)
class RoleChanged(SecurityEvent):
    """An operator set the role, also if it is the same one."""

    name = "role_changed"
    is_always_logged = True
    phone: PhoneNumber | None
    user_id: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class UserDeleted(SecurityEvent):
    """An account was deleted. With phone and reason it was unverified."""

    name = "user_deleted"
    is_always_logged = True
    phone: PhoneNumber | None = None
    user_id: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class IdentityDetached(PhoneEvent):
    """An identity lost its phone to another one."""

    name = "identity_detached"
    is_warning = True
    user_id: str
    reason: str | None = None

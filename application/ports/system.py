"""What all features need: clock, randomness, health checks and security events."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypedDict, Unpack

from domain.identities.role import Role
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber


class Clock(Protocol):
    """The current time."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        ...


class MonotonicClock(Protocol):
    """A clock that nobody sets, such as `time.monotonic`."""

    def __call__(self) -> float:
        """Return the seconds since a moment that stays the same while the process runs."""
        ...


class Randomness(Protocol):
    """A cryptographically secure source (OWASP ASVS 5.0 6.5.3)."""

    def bytes(self, count: int) -> bytes:
        """Return that many unpredictable bytes."""
        ...


class HealthCheck(Protocol):
    """Whether a part that the service needs works."""

    async def check(self) -> None:
        """Return if the part would do its work now.

        - It takes a limited time, and does not block the event loop.
        - Readiness answers before a check that takes 0.5 seconds or longer, and cancels it after
          15 seconds.

        Raises:
            PortError: it would not; the text says why.
        """
        ...


class SecurityEventType(StrEnum):
    """A type of security event. The values are stable, because alerts depend on them.

    docs/security-events.md describes when each event is emitted.
    """

    OTP_REQUESTED = "otp_requested"
    OTP_ACCEPTED = "otp_accepted"
    OTP_UNCONFIRMED = "otp_unconfirmed"
    OTP_DELIVERED = "otp_delivered"
    OTP_UNDELIVERED = "otp_undelivered"
    DELIVERY_REJECTED = "delivery_rejected"
    OTP_SUPPRESSED = "otp_suppressed"
    OTP_REQUEST_REJECTED = "otp_request_rejected"
    ATTESTATION_REQUIRED = "attestation_required"
    ATTESTATION_ACCEPTED = "attestation_accepted"
    ATTESTATION_REJECTED = "attestation_rejected"
    CALLBACK_REQUESTED = "callback_requested"
    OTP_VERIFICATION_FAILED = "otp_verification_failed"
    OTP_ATTEMPTS_EXHAUSTED = "otp_attempts_exhausted"
    LOGIN_SUCCEEDED = "login_succeeded"
    CONSOLE_SIGNED_IN = "console_signed_in"
    CONSOLE_SIGNED_OUT = "console_signed_out"
    CONSOLE_SIGN_IN_FAILED = "console_sign_in_failed"
    TEST_OTP_USED = "test_otp_used"
    USER_CREATED = "user_created"
    SESSION_REFRESHED = "session_refreshed"
    REFRESH_TOKEN_REJECTED = "refresh_token_rejected"  # noqa: S105 - an event, not a secret
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - an event, not a secret
    REFRESH_TOKEN_REPEATED = "refresh_token_repeated"  # noqa: S105 - an event, not a secret
    SESSION_REVOKED = "session_revoked"
    PHONE_BLOCKED = "phone_blocked"
    PHONE_UNBLOCKED = "phone_unblocked"
    LIMITS_RESET = "limits_reset"
    ROLE_CHANGED = "role_changed"
    USER_DELETED = "user_deleted"
    PHONE_CHANGED = "phone_changed"
    PHONE_CHANGE_UNDONE = "phone_change_undone"
    PHONE_DISOWNED = "phone_disowned"
    PHONE_NOTICE_SENT = "phone_notice_sent"
    PHONE_NOTICE_REJECTED = "phone_notice_rejected"
    IDENTITY_DETACHED = "identity_detached"
    IDENTITY_RESTORED = "identity_restored"
    CALL_REJECTED = "call_rejected"
    CALLER_REGISTERED = "caller_registered"

    @property
    def is_warning(self) -> bool:
        """Whether operators should be warned: of an attack, or of messages that do not arrive."""
        return self in {
            SecurityEventType.OTP_UNCONFIRMED,
            SecurityEventType.OTP_UNDELIVERED,
            SecurityEventType.DELIVERY_REJECTED,
            SecurityEventType.ATTESTATION_REJECTED,
            SecurityEventType.OTP_ATTEMPTS_EXHAUSTED,
            SecurityEventType.CONSOLE_SIGN_IN_FAILED,
            SecurityEventType.REFRESH_TOKEN_REUSED,
            SecurityEventType.REFRESH_TOKEN_REPEATED,
            SecurityEventType.TEST_OTP_USED,
            SecurityEventType.PHONE_CHANGE_UNDONE,
            SecurityEventType.PHONE_DISOWNED,
            SecurityEventType.PHONE_NOTICE_REJECTED,
            SecurityEventType.IDENTITY_DETACHED,
            SecurityEventType.CALL_REJECTED,
        }


class SecurityEventDetails(TypedDict, total=False):
    """What an event says about a phone or an identity.

    - The log masks the phone, adds its country and its hash of the day, and the client IP of the
      request.
    - An event never has a code, a token or the request id of a code.

    Attributes:
        phone: the phone, if the event has one.
        user_id: the id of the identity.
        role: the new role.
        reason: one word or a short phrase with details.
        attempts_left: how often this client may still try a code.
        country: the ISO 3166-1 code, where the phone is not known.
        phone_hash: the hash of the day, where the phone is not known.
        provider: the name of the provider.
        channel: how the code is delivered.
        provider_message_id: the provider's id of the message or call.
        error_code: the provider's code of an error.
        limit: the limit that rejects.
        result: what the provider did, a value of `DeliveryStatus`; or why a proof was rejected.
    """

    phone: PhoneNumber | None
    user_id: str | None
    role: Role
    reason: str | None
    attempts_left: int
    country: str
    phone_hash: str
    provider: str
    channel: Channel
    provider_message_id: str
    error_code: str
    limit: str
    result: str


class SecurityEvents(Protocol):
    """Where use cases report security events (ASVS 5.0 16.3)."""

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Emit an event; never waits and never raises. An empty detail is left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPorts:
    """What every feature needs."""

    clock: Clock
    randomness: Randomness
    events: SecurityEvents

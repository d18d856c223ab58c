"""The security events of one-time codes, and of messages about a number."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.security_events import PhoneEvent, RejectionEvent, SecurityEvent
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.permits import Recognition
from domain.phone import PhoneNumber

WITHIN_COOLDOWN: Final = "within the cooldown"
"""Why a request for a code sent nothing new."""


@dataclass(frozen=True, kw_only=True)
class OtpRequested(PhoneEvent):
    """A request for a code was accepted. The reason says why nothing new was sent."""

    name = "otp_requested"
    channel: Channel
    reason: str
    actor_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderEvent(PhoneEvent):
    """What a provider did with a message or call."""

    channel: Channel
    provider: str
    result: DeliveryStatus


@dataclass(frozen=True, kw_only=True)
class OtpAccepted(ProviderEvent):
    """A provider took the message or call with a code."""

    name = "otp_accepted"
    provider_message_id: str


@dataclass(frozen=True, kw_only=True)
class OtpUnconfirmed(ProviderEvent):
    """A provider may have taken the message or call with a code. It counts as sent."""

    name = "otp_unconfirmed"
    is_warning = True
    provider_message_id: str
    error_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DeliveryRejected(ProviderEvent):
    """A provider rejected a message, and the result of another one decided."""

    name = "delivery_rejected"
    is_warning = True
    error_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OtpFellBack(ProviderEvent):
    """A channel did not deliver a code, and the next one is tried.

    Without a provider, none was called: the number was known. `is_reported` says that the provider
    had taken the message, and reported later that it failed.
    """

    name = "otp_fell_back"
    is_reported: bool
    error_code: str
    reason: str
    next_channel: Channel


@dataclass(frozen=True, kw_only=True)
class OtpRequestRejected(PhoneEvent, RejectionEvent):
    """A limit or a block rejected a request for a code, and no provider was called.

    The other fields are those of a `Rejection`.
    """

    name = "otp_request_rejected"
    max_lines_a_minute = 100
    reason: str
    clients: str = ""
    until: datetime | None = None
    recognition: Recognition = Recognition.NONE
    has_proof: bool = False
    actor_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class OtpNotTaken(ProviderEvent):
    """No provider took the message or call with a code. It has the name of other rejections."""

    name = OtpRequestRejected.name
    error_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProviderPaused(OtpNotTaken):
    """No provider was called, because of a pause. The other fields are those of a `Rejection`."""

    max_lines_a_minute = 100
    until: datetime | None
    recognition: Recognition
    has_proof: bool
    actor_id: str | None = None


def make_delivery_event(
    phone: PhoneNumber, result: DeliveryResult, channel: Channel, provider: str
) -> ProviderEvent:
    """Return the event that a provider took a message or call, may have, or that none did."""
    provider = result.provider or provider
    message_id = result.provider_message_id or result.provider_call_id
    match result.status:
        case DeliveryStatus.ACCEPTED:
            return OtpAccepted(
                phone=phone,
                channel=channel,
                provider=provider,
                provider_message_id=message_id,
                result=result.status,
            )
        case DeliveryStatus.UNKNOWN:
            return OtpUnconfirmed(
                phone=phone,
                reason=result.full_reason,
                channel=channel,
                provider=provider,
                provider_message_id=message_id,
                error_code=result.error_code,
                result=result.status,
            )
        case _:
            return OtpNotTaken(
                phone=phone,
                reason=result.full_reason,
                channel=channel,
                provider=provider,
                error_code=result.error_code,
                result=result.status,
            )


@dataclass(frozen=True, kw_only=True)
class ReportEvent(SecurityEvent):
    """What a provider reports later. The labels of the phone are in the URL of the report."""

    country: str
    phone_hash: str
    channel: Channel
    provider: str
    provider_message_id: str
    result: ReportedStatus


@dataclass(frozen=True, kw_only=True)
class OtpDelivered(ReportEvent):
    """The message arrived, or the code was read in the call."""

    name = "otp_delivered"


@dataclass(frozen=True, kw_only=True)
class OtpUndelivered(ReportEvent):
    """The message or call failed."""

    name = "otp_undelivered"
    is_warning = True
    error_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OtpVerificationFailed(PhoneEvent):
    """A code was wrong, expired or already used."""

    name = "otp_verification_failed"
    attempts_left: int | None = None
    actor_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class VerificationApproved(PhoneEvent):
    """A code that a service token asked for was right. Nobody signed in."""

    name = "verification_approved"
    channel: Channel
    provider: str
    actor_id: str


@dataclass(frozen=True, kw_only=True)
class BlockedLogin(PhoneEvent):
    """A code or passkey was correct, and its phone is blocked."""

    name = "blocked_login"
    channel: str | None = None


@dataclass(frozen=True, kw_only=True)
class OtpAttemptsExhausted(PhoneEvent):
    """A code was not checked: its client, its IP, or others over all phones have none left."""

    name = "otp_attempts_exhausted"
    is_warning = True
    reason: str


@dataclass(frozen=True, kw_only=True)
class FixedCodeUsed(PhoneEvent):
    """A test code was requested or verified."""

    name = "test_otp_used"
    is_warning = True
    user_id: str | None = None
    actor_id: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class LimitsReset(PhoneEvent):
    """An operator reset the limits of a phone."""

    name = "limits_reset"


@dataclass(frozen=True, kw_only=True)
class PhoneNoticeSent(ProviderEvent):
    """A provider took a message without a code, or may have taken it."""

    name = "phone_notice_sent"
    provider_message_id: str
    error_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PhoneNoticeRejected(ProviderEvent):
    """No provider took a message without a code."""

    name = "phone_notice_rejected"
    is_warning = True
    error_code: str
    reason: str

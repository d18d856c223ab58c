"""Events that are counted, of one message by default."""

from typing import Final

from application.identities.events import LoginSucceeded
from application.otp.events import (
    OtpAccepted,
    OtpDelivered,
    OtpRequestRejected,
    OtpUnconfirmed,
    OtpUndelivered,
)
from application.otp.extensions import EndedCall, SentMessage
from application.ports.otp import DeliveryStatus
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from tests.support.builders import a_phone, an_id

PROVIDER: Final = "acme:open"


def accepted(
    phone: PhoneNumber | None = None, channel: Channel = Channel.SMS, provider: str = PROVIDER
) -> OtpAccepted:
    """Return that a provider took a message or call."""
    return OtpAccepted(
        phone=phone or a_phone(),
        channel=channel,
        provider=provider,
        provider_message_id="SM1",
        result=DeliveryStatus.ACCEPTED,
    )


def unconfirmed() -> OtpUnconfirmed:
    """Return that a provider may have taken a message."""
    return OtpUnconfirmed(
        phone=a_phone(),
        channel=Channel.SMS,
        provider=PROVIDER,
        provider_message_id="",
        error_code="20503",
        reason="a reason",
        result=DeliveryStatus.UNKNOWN,
    )


def delivered(
    country: str = "US", channel: Channel = Channel.SMS, provider: str = PROVIDER
) -> OtpDelivered:
    """Return that a message or call arrived."""
    return OtpDelivered(
        country=country,
        phone_hash="0123456789abcdef",
        channel=channel,
        provider=provider,
        provider_message_id="SM1",
        result=ReportedStatus.DELIVERED,
    )


def undelivered(status: ReportedStatus = ReportedStatus.UNDELIVERED) -> OtpUndelivered:
    """Return that a message failed."""
    return OtpUndelivered(
        country="US",
        phone_hash="0123456789abcdef",
        channel=Channel.SMS,
        provider=PROVIDER,
        provider_message_id="SM1",
        error_code="30003",
        result=status,
    )


def logged_in() -> LoginSucceeded:
    """Return a login with the code of a message."""
    return LoginSucceeded(phone=a_phone(), user_id=an_id(), channel=Channel.SMS, provider=PROVIDER)


def rejected(limit: str = "per_ip", reason: str = "too many requests") -> OtpRequestRejected:
    """Return that a limit rejected a request for a code."""
    return OtpRequestRejected(phone=a_phone(), channel=Channel.SMS, limit=limit, reason=reason)


def sent_message(
    country: str = "US",
    provider: str = PROVIDER,
    text: str = "hello",
    channel: Channel = Channel.SMS,
) -> SentMessage:
    """Return a message that costs something."""
    return SentMessage(country=country, channel=channel, provider=provider, text=text)


def ended_call(
    seconds: float = 60, country: str = "IN", provider: str = PROVIDER, *, has_code: bool = True
) -> EndedCall:
    """Return a call that costs something."""
    return EndedCall(country=country, provider=provider, seconds=seconds, has_code=has_code)

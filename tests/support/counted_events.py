"""Events that are counted, of one message by default."""

from typing import Any, Final

from application.identities.events import LoginSucceeded
from application.otp.events import (
    OtpAccepted,
    OtpDelivered,
    OtpNotTaken,
    OtpRequestRejected,
    OtpUnconfirmed,
    OtpUndelivered,
    VerificationApproved,
)
from application.ports.otp import DeliveryStatus
from domain.otp.delivery import Channel, ReportedStatus
from tests.support.builders import a_phone, an_id, builder

PROVIDER: Final = "acme:open"
_MESSAGE: Final[dict[str, Any]] = {
    "channel": Channel.SMS,
    "provider": PROVIDER,
    "provider_message_id": "SM1",
}
_REPORTED: Final = {"country": "US", "phone_hash": "0123456789abcdef", **_MESSAGE}

accepted: Final = builder(
    lambda: OtpAccepted(phone=a_phone(), result=DeliveryStatus.ACCEPTED, **_MESSAGE)
)
unconfirmed: Final = builder(
    lambda: OtpUnconfirmed(
        phone=a_phone(),
        error_code="20503",
        reason="a reason",
        result=DeliveryStatus.UNKNOWN,
        **_MESSAGE | {"provider_message_id": ""},
    )
)
not_taken: Final = builder(
    lambda: OtpNotTaken(
        phone=a_phone(),
        channel=Channel.SMS,
        provider=PROVIDER,
        error_code="21610",
        reason="a reason",
        result=DeliveryStatus.REJECTED,
    )
)
delivered: Final = builder(lambda: OtpDelivered(result=ReportedStatus.DELIVERED, **_REPORTED))
undelivered: Final = builder(
    lambda: OtpUndelivered(
        error_code="30003", reason="", result=ReportedStatus.UNDELIVERED, **_REPORTED
    )
)
logged_in: Final = builder(
    lambda: LoginSucceeded(
        phone=a_phone(),
        user_id=an_id(),
        session_id="f" * 32,
        channel=Channel.SMS,
        provider=PROVIDER,
    )
)
verified: Final = builder(
    lambda: VerificationApproved(
        phone=a_phone(), channel=Channel.SMS, provider=PROVIDER, actor_id=an_id()
    )
)
rejected: Final = builder(
    lambda: OtpRequestRejected(
        phone=a_phone(), channel=Channel.SMS, limit="per_ip", reason="too many requests"
    )
)

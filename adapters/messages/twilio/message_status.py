"""Statuses of messages that Twilio reports.

https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

import re
from collections.abc import Mapping
from typing import Final

from adapters.messages.twilio.error_codes import MESSAGES
from adapters.messages.twilio.webhook_fields import SID, match_field
from application.ports.webhooks import MessageStatus
from domain.otp.delivery import ReportedStatus

# Statuses of inbound messages (receiving, received) say nothing about a delivery.
_MESSAGE_STATUSES: Final = {
    "accepted": ReportedStatus.QUEUED,
    "scheduled": ReportedStatus.QUEUED,
    "queued": ReportedStatus.QUEUED,
    "sending": ReportedStatus.QUEUED,
    "sent": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "partially_delivered": ReportedStatus.DELIVERED,
    "read": ReportedStatus.DELIVERED,
    "undelivered": ReportedStatus.UNDELIVERED,
    "failed": ReportedStatus.FAILED,
    "canceled": ReportedStatus.FAILED,
}
# No carrier knows the number, or it is a landline: https://www.twilio.com/docs/api/errors/30006.
# Without 30003 (the phone may be switched off) and 30004 (somebody blocks messages).
_UNREACHABLE: Final = frozenset({"30005", "30006"})
_ERROR_CODE: Final = re.compile(r"[0-9]{1,6}")


def read_message_status(fields: Mapping[str, str]) -> MessageStatus:
    """Return what the fields of a request say of a message."""
    status = _MESSAGE_STATUSES.get(fields.get("MessageStatus") or fields.get("SmsStatus", ""))
    code = match_field(_ERROR_CODE, fields.get("ErrorCode", ""))
    return MessageStatus(
        status,
        code,
        match_field(SID, fields.get("MessageSid", "")),
        is_unreachable=status is not None and status.is_failure and code in _UNREACHABLE,
        reason=MESSAGES.find_reason(code),
    )

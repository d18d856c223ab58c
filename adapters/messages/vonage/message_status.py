"""What Vonage reports of a message.

https://developer.vonage.com/en/messages/concepts/messages-status-callbacks
"""

from typing import Any, Final

import msgspec

from adapters.messages.vonage.client import ApiProblem
from adapters.messages.vonage.error_codes import UNREACHABLE, find_reason
from application.ports.webhooks import MessageStatus
from domain.otp.delivery import ReportedStatus

_STATUSES: Final = {
    # Vonage has passed the message on to a carrier.
    "submitted": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "read": ReportedStatus.DELIVERED,
    # Vonage, a carrier or the phone did not take it, or its time to live is over.
    "rejected": ReportedStatus.UNDELIVERED,
    # There was no connection to a carrier.
    "undeliverable": ReportedStatus.FAILED,
}


class _Report(msgspec.Struct):
    """A status. A message that somebody sent has other fields, and no `status`."""

    status: Any = None
    message_uuid: Any = None
    client_ref: Any = None
    error: Any = None


def read_message_statuses(body: str) -> list[MessageStatus]:
    """Return what a body says of a message; nothing if it is no status of one."""
    report = msgspec.json.decode(body, type=_Report)
    status = _STATUSES.get(report.status) if isinstance(report.status, str) else None
    if status is None:
        return []
    code = _read_error_code(report.error)
    return [
        MessageStatus(
            status,
            error_code=code,
            provider_message_id=_text(report.message_uuid),
            reference=_text(report.client_ref),
            is_unreachable=status.is_failure and code in UNREACHABLE,
            reason=find_reason(code),
        )
    ]


def _read_error_code(error: Any) -> str:
    # The statuses in the tests of some of Vonage's libraries have one `error` in another.
    inner = error.get("error", error) if isinstance(error, dict) else error
    try:
        return msgspec.convert(inner, ApiProblem).code or ""
    except msgspec.ValidationError:
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

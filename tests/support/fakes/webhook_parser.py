from enum import StrEnum
from typing import TypeVar

from application.ports.webhook_parser import WebhookFields
from application.ports.webhook_signatures import SignedRequest
from domain.errors import InvalidValue
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber, parse_phone
from domain.voice.call import CallStatus
from domain.voice.flow import DialResult
from domain.voice.walk import Answered, CallEvent, Continued, Dialed, Recorded

Value = TypeVar("Value", bound=StrEnum)


class FakeWebhookParser:
    """Reads forms whose fields have our own words."""

    def parse(self, request: SignedRequest) -> WebhookFields:
        fields = dict(request.form)
        return WebhookFields(
            provider_call_id=fields.get("call", ""),
            caller=_parse_phone(fields.get("caller", "")),
            called=_parse_phone(fields.get("called", "")),
            event=_parse_event(fields),
            call_status=_find(CallStatus, fields.get("call_status", "")),
            message_status=_find(ReportedStatus, fields.get("message_status", "")),
            error_code=fields.get("error_code", ""),
        )


def _parse_event(fields: dict[str, str]) -> CallEvent:
    if "dialed" in fields:
        return Dialed(_find(DialResult, fields["dialed"]) or DialResult.FAILED)
    if fields.get("recording") and fields.get("recording_state", "complete") == "complete":
        seconds = fields.get("seconds", "")
        return Recorded(fields["recording"], int(seconds) if seconds.isdecimal() else 0)
    keys, speech = fields.get("keys", ""), fields.get("speech", "")
    return Answered(keys, speech) if keys or speech else Continued()


def _find(values: type[Value], text: str) -> Value | None:
    return next((value for value in values if value.value == text), None)


def _parse_phone(text: str) -> PhoneNumber | None:
    try:
        return parse_phone(text, rules=None)
    except InvalidValue:
        return None

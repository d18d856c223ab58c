"""Twilio's words about calls and recordings in our words.

- https://www.twilio.com/docs/voice/twiml#request-parameters
- https://www.twilio.com/docs/voice/api/call-resource#call-status-values
- https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus-values
- https://www.twilio.com/docs/voice/twiml/record#attributes-recording-status-callback
"""

import re
from collections.abc import Mapping
from typing import Final

from adapters.messages.twilio.message_status import read_message_status
from adapters.messages.twilio.webhook_fields import SID, match_field, read_fields
from application.features.voice.ports import WebhookFields
from application.ports.webhooks import SignedRequest
from domain.errors import InvalidValue
from domain.features.voice.call import CallStatus
from domain.features.voice.step import Answered, CallEvent, Continued, Dialed, DialResult, Recorded
from domain.phone import PhoneNumber, parse_phone

_CALL_STATUSES: Final = {
    "queued": CallStatus.QUEUED,
    "initiated": CallStatus.QUEUED,
    "ringing": CallStatus.RINGING,
    "in-progress": CallStatus.IN_PROGRESS,
    "completed": CallStatus.COMPLETED,
    "busy": CallStatus.BUSY,
    "no-answer": CallStatus.NO_ANSWER,
    "failed": CallStatus.FAILED,
    "canceled": CallStatus.CANCELED,
}
_DIAL_RESULTS: Final = {
    "completed": DialResult.ANSWERED,
    "answered": DialResult.ANSWERED,
    "busy": DialResult.BUSY,
    "no-answer": DialResult.NO_ANSWER,
    "failed": DialResult.FAILED,
    "canceled": DialResult.FAILED,
}
_RECORDING_IS_COMPLETE: Final = ("completed", "")
"""The `action` of a recording has no status."""
_RECORDING_IN_URL: Final = re.compile(r"/Recordings/(RE[0-9a-fA-F]{32})(?:\.\w+)?\Z")
_SUPPRESSED: Final = frozenset({"+17378742833"})
"""RESTRICTED on a phone's keys, with a country code: the other words are no valid numbers."""
_SECONDS: Final = re.compile(r"[0-9]{1,6}")


class TwilioWebhookParser:
    """Read Twilio's requests.

    - A caller without a number has an empty `From`, `anonymous`, a client, a SIP address, or a
      word as it is typed on a phone's keys, such as +266696687. None of them is a valid number.
    - A value that Twilio does not document is like a field that is missing. A call to the line
      operator that ended in an unknown way has failed.
    """

    def parse(self, request: SignedRequest) -> WebhookFields:
        fields = read_fields(request)
        message = read_message_status(fields)
        return WebhookFields(
            provider_call_id=match_field(SID, fields.get("CallSid", "")),
            caller=_parse_phone(fields.get("From", "")),
            called=_parse_phone(fields.get("To", "")),
            event=_parse_event(fields),
            call_status=_CALL_STATUSES.get(fields.get("CallStatus", "")),
            message_status=message.status,
            error_code=message.error_code,
        )


def _parse_event(fields: Mapping[str, str]) -> CallEvent:
    if status := fields.get("DialCallStatus"):
        return Dialed(_DIAL_RESULTS.get(status, DialResult.FAILED))
    if recording_id := _find_recording(fields):
        return Recorded(recording_id, _parse_seconds(fields.get("RecordingDuration", "")))
    keys, speech = fields.get("Digits", ""), fields.get("SpeechResult", "")
    return Answered(keys, speech) if keys or speech else Continued()


def _find_recording(fields: Mapping[str, str]) -> str:
    if fields.get("RecordingStatus", "") not in _RECORDING_IS_COMPLETE:
        return ""
    # Twilio documents only the URL, not the SID, as a parameter of a recording's `action`.
    in_url = _RECORDING_IN_URL.search(fields.get("RecordingUrl", ""))
    return match_field(SID, fields.get("RecordingSid", "")) or (in_url[1] if in_url else "")


def _parse_phone(text: str) -> PhoneNumber | None:
    if not text.startswith("+") or text in _SUPPRESSED:
        return None
    try:
        return parse_phone(text, rules=None)
    except InvalidValue:
        return None


def _parse_seconds(text: str) -> int:
    return int(match_field(_SECONDS, text) or 0)

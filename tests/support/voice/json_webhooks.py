"""Requests of a provider in memory: JSON with a signature of the time, the URL and the body."""

import hmac
import time
from enum import StrEnum
from typing import TypeVar

import msgspec

from application.features.voice.ports import WebhookFields
from application.ports.webhooks import MAX_SIGNATURE_AGE, SignedRequest
from domain.errors import InvalidValue
from domain.features.voice.call import CallStatus
from domain.features.voice.flow import DialResult
from domain.features.voice.walk import Answered, CallEvent, Continued, Dialed, Recorded
from domain.phone import PhoneNumber, parse_phone

Word = TypeVar("Word", bound=StrEnum)


class _Recording(msgspec.Struct):
    id: str
    seconds: int = 0


class _Call(msgspec.Struct):
    """What is read of a request; `from_` is `from` in JSON."""

    call: str = ""
    from_: str = msgspec.field(default="", name="from")
    to: str = ""
    keys: str = ""
    speech: str = ""
    dialed: str = ""
    recording: _Recording | None = None
    status: str = ""
    error: str = ""


def sign_request(secret: str, url: str, body: bytes, signed_at: float) -> SignedRequest:
    """Return a request that the provider posts at this time."""
    timestamp = str(int(signed_at))
    headers = {"timestamp": timestamp, "signature": _sign(secret, timestamp, url, body)}
    return SignedRequest(url, headers, body=body)


def _sign(secret: str, timestamp: str, url: str, body: bytes) -> str:
    signed = b"\n".join([timestamp.encode(), url.encode(), body])
    return hmac.digest(secret.encode(), signed, "sha256").hex()


def is_signed(secret: str, request: SignedRequest) -> bool:
    """Return whether the provider has signed the request in the last minutes."""
    timestamp = request.headers.get("timestamp", "")
    signature = request.headers.get("signature", "")
    try:
        expected = _sign(secret, timestamp, request.url, request.body)
    except UnicodeEncodeError:
        return False
    # Bytes: a header can have characters that are not ASCII.
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        return False
    # The signature is right, so the time is a number.
    return abs(time.time() - float(timestamp)) <= MAX_SIGNATURE_AGE.total_seconds()


def parse_call(request: SignedRequest) -> WebhookFields:
    """Return what the request says. What is missing or invalid is empty."""
    try:
        call = msgspec.json.decode(request.json_text, type=_Call)
    except (ValueError, RecursionError):
        call = _Call()
    return WebhookFields(
        provider_call_id=call.call,
        caller=_parse_phone(call.from_),
        called=_parse_phone(call.to),
        event=_parse_event(call),
        call_status=_find(CallStatus, call.status),
        message_status=None,
        error_code=call.error,
    )


def _parse_event(call: _Call) -> CallEvent:
    if call.dialed:
        return Dialed(_find(DialResult, call.dialed) or DialResult.FAILED)
    if call.recording:
        return Recorded(call.recording.id, call.recording.seconds)
    return Answered(call.keys, call.speech) if call.keys or call.speech else Continued()


def _find(words: type[Word], text: str) -> Word | None:
    return next((word for word in words if word.value == text), None)


def _parse_phone(text: str) -> PhoneNumber | None:
    try:
        return parse_phone(text, rules=None) if text.startswith("+") else None
    except InvalidValue:
        return None

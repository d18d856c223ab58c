"""A phone line that keeps all promises. Its provider is in memory, and speaks JSON."""

import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from application.features.voice.ports import Markup, WebhookFields
from application.ports.errors import CallProviderUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.webhooks import MAX_SIGNATURE_AGE, SignedRequest
from domain.errors import InvalidValue
from domain.features.voice.call import MAX_PROVIDER_ID_LENGTH, CallStatus
from domain.features.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    Instruction,
    Pause,
    Position,
    RecordCaller,
    Reject,
    Say,
)
from domain.features.voice.step import Answered, Continued
from domain.phone import PhoneNumber, parse_phone
from tests.support.fakes.call_provider import FakeCallProvider
from tests.support.fakes.failing_provider import FailingProvider

KEY: Final = "s3cret"
NUMBER: Final = "+14155550006"


class _Call(msgspec.Struct):
    """What is read of a request; `from_` is `from` in JSON."""

    call: str = ""
    from_: str = msgspec.field(default="", name="from")
    to: str = ""
    keys: str = ""
    status: str = ""


def parse_call(request: SignedRequest) -> WebhookFields:
    """Return what a request says. What is missing or invalid is empty."""
    try:
        call = msgspec.json.decode(request.json_text, type=_Call)
    except (ValueError, RecursionError):
        call = _Call()
    return WebhookFields(
        provider_call_id=call.call,
        caller=_parse_phone(call.from_),
        called=_parse_phone(call.to),
        event=Answered(call.keys) if call.keys else Continued(),
        call_status=CallStatus(call.status) if call.status else None,
        message_status=None,
        error_code="",
    )


def _parse_phone(text: str) -> PhoneNumber | None:
    try:
        return parse_phone(text, rules=None) if text.startswith("+") else None
    except InvalidValue:
        return None


def render_steps(
    instructions: Sequence[Instruction],
    url_of: Callable[[Position], str],
    recording_status_url: str = "",
) -> Markup:
    """Render instructions; one that waits for an answer or ends the call is the last one."""
    steps: list[dict[str, Any]] = []
    for instruction in instructions:
        steps.append(_to_step(instruction, url_of, recording_status_url))
        if not isinstance(instruction, Say | Pause):
            break
    return Markup("application/json", json.dumps({"steps": steps}))


def _to_step(
    instruction: Instruction, url_of: Callable[[Position], str], recording_status_url: str
) -> dict[str, Any]:
    match instruction:
        case Say():
            return {"say": instruction.text}
        case Gather():
            prompt = [_to_step(speech, url_of, "") for speech in instruction.prompt]
            return {"ask": prompt, "url": url_of(instruction.answer_to)}
        case Dial(number=number, caller_id=caller_id):
            return {"dial": number, "from": caller_id, "url": url_of(instruction.answer_to)}
        case RecordCaller():
            return {"url": url_of(instruction.answer_to), "status_url": recording_status_url}
        case GoTo():
            return {"url": url_of(instruction.position)}
        case Reject():
            return {"end": "busy"}
        case _:
            return {"end": "hang_up"}


def _sign(request: SignedRequest, timestamp: str, key: str) -> str:
    signed = b"\n".join([timestamp.encode(), request.url.encode(), request.body])
    return hmac.digest(key.encode(), signed, "sha256").hex()


def sign_request(url: str, body: bytes, signed_at: float, key: str = KEY) -> SignedRequest:
    """Return a request that the provider posts at this time, signed with time, URL and body."""
    request, timestamp = SignedRequest(url, {}, body=body), str(int(signed_at))
    headers = {"timestamp": timestamp, "signature": _sign(request, timestamp, key)}
    return SignedRequest(url, headers, body=body)


class RightVoice(FailingProvider, FakeCallProvider):
    """Its provider fails in the way that `failure` says."""

    def __init__(self) -> None:
        super().__init__()
        self.placed: list[tuple[str, str, str]] = []
        self._calls = 0

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        if self.failure == "unreachable":
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, "There is no connection.")
        if self.failure == "invalid number":
            return DeliveryResult(DeliveryStatus.INVALID_NUMBER, "No phone has this number.")
        if self.failure == "refused account":
            return DeliveryResult(DeliveryStatus.UNAVAILABLE, "The account is not paid.")
        self.placed.append((phone.e164, url, status_url))
        if self.failure:
            return DeliveryResult(DeliveryStatus.UNKNOWN, "The provider did not respond.")
        return DeliveryResult(DeliveryStatus.ACCEPTED, provider_call_id=f"c{len(self.placed)}")

    def verify(self, request: SignedRequest) -> bool:
        timestamp = request.headers.get("timestamp", "")
        # Bytes: a header can have characters that are not ASCII.
        signature = request.headers.get("signature", "").encode(errors="replace")
        try:
            expected = _sign(request, timestamp, KEY)
        except UnicodeEncodeError:
            return False
        if not hmac.compare_digest(expected.encode(), signature):
            return False
        # The signature is right, so the time is a number.
        return abs(time.time() - float(timestamp)) <= MAX_SIGNATURE_AGE.total_seconds()

    def parse(self, request: SignedRequest) -> WebhookFields:
        return parse_call(request)

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        return render_steps(instructions, url_of, recording_status_url)

    def _check(self) -> None:
        if self.failure not in ("", "invalid number"):
            raise CallProviderUnavailable("The provider does not respond.")

    # For the contract tests

    def placed_calls(self) -> list[tuple[str, str, str]]:
        return self.placed

    def add_recording(self, content: bytes) -> str:
        recording_id = f"r{len(self.recordings)}"
        self.recordings[recording_id] = content
        return recording_id

    def sign_webhook(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        if body is None:
            body = json.dumps({"call": "c1", "from": "+14155550001", "to": NUMBER}).encode()
        return sign_request(url, body, signed_at.timestamp())

    def sign_call(
        self, url: str, caller: str, called: str, digits: str
    ) -> tuple[str, SignedRequest]:
        self._calls += 1
        call_id = str(self._calls).rjust(MAX_PROVIDER_ID_LENGTH, "c")
        call = {"call": call_id, "from": caller, "to": called, "keys": digits}
        return call_id, post_of(url, call)

    def sign_call_status(self, url: str, status: CallStatus) -> SignedRequest:
        return post_of(url, {"call": "c1", "status": status.value})

    def dialed(self, markup: str) -> list[tuple[str, str]]:
        steps = json.loads(markup)["steps"]
        return [(step["dial"], step["from"]) for step in steps if "dial" in step]

    def said(self, markup: str) -> list[str]:
        return [step["say"] for step in json.loads(markup)["steps"] if "say" in step]

    def is_answered(self, markup: str) -> bool:
        steps = json.loads(markup)["steps"]
        return not steps or steps[0] != {"end": "busy"}


def post_of(url: str, call: Mapping[str, object], key: str = KEY) -> SignedRequest:
    """Return a request of the provider about a call, of now."""
    return sign_request(url, json.dumps(call).encode(), time.time(), key)


@asynccontextmanager
async def open_right_voice(*, environ: Mapping[str, str]) -> AsyncIterator[RightVoice]:
    yield RightVoice()

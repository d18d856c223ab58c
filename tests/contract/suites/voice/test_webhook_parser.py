"""The promises of the port that reads a provider's requests."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from application.features.voice.ports import WebhookFields
from application.ports.webhooks import SignedRequest, coverage_of
from domain.features.voice.call import CallStatus
from domain.features.voice.step import Answered, Continued
from tests.contract.suites.promises import not_promised
from tests.contract.suites.voice.drivers import VoiceDriver

URL: Final = "https://dialtone.example.org/voice"
EMPTY: Final = WebhookFields(
    provider_call_id="",
    caller=None,
    called=None,
    event=Continued(),
    call_status=None,
    message_status=None,
    error_code="",
)


async def test_a_request_has_its_call_both_numbers_and_the_digits(
    voice_driver: VoiceDriver,
) -> None:
    one, other = "+14155550001", "+14155550142"
    ids = set()
    for caller, called, digits in ((one, other, "1"), (other, one, "23")):
        call_id, signed = await voice_driver.sign_call(URL, caller, called, digits)
        fields = voice_driver.parser.parse(signed)

        numbers = [phone and phone.e164 for phone in (fields.caller, fields.called)]
        assert fields.provider_call_id == call_id, "The id of a call is not the whole one"
        assert numbers == [caller, called], f"parse returned {numbers}, not {[caller, called]}"
        pressed = fields.event.keys if isinstance(fields.event, Answered) else None
        assert pressed == digits, f"parse returned the digits {pressed!r}, not {digits!r}"
        ids.add(call_id)
    assert len(ids) == 2, "Two calls of sign_call() have the same id"


async def test_a_call_has_the_status_that_is_reported(voice_driver: VoiceDriver) -> None:
    # Not every provider has the others: queued and canceled.
    for name in ("ringing", "in_progress", "completed", "busy", "no_answer", "failed"):
        signed = await voice_driver.sign_call_status(URL, CallStatus(name))
        parsed = voice_driver.parser.parse(signed).call_status
        assert parsed == name, f"parse returned {parsed!r} for a call that is {name}"


async def test_requests_are_told_apart_by_what_is_signed(voice_driver: VoiceDriver) -> None:
    if coverage_of(voice_driver.signatures).url:
        not_promised("its provider signs the URL, which tells requests apart")
    signed = await voice_driver.sign(URL)
    other = await voice_driver.sign(URL, signed_at=datetime.now(UTC) - timedelta(seconds=2))

    request_id = voice_driver.parser.parse(signed).request_id
    other_id = voice_driver.parser.parse(other).request_id
    assert (request_id or signed.body) != (other_id or other.body), (
        "parse returned the same request_id for two requests of sign_webhook(), or none and their "
        "bodies are the same: the second would be rejected as a repetition of the first"
    )
    unsigned = {"its URL": replace(signed, url=f"{URL}/other")}
    for name in {*signed.headers, "x-request-id", "idempotency-key"}:
        headers = {**signed.headers, name: f"{signed.headers.get(name, '')}0"}
        unsigned[f"its header {name}"] = replace(signed, headers=headers)
    changed = [
        how
        for how, request in unsigned.items()
        if voice_driver.signatures.verify(request)
        and voice_driver.parser.parse(request).request_id != request_id
    ]
    assert not changed, f"The request_id is from {', '.join(changed)}, which nobody has signed"


async def test_a_request_that_says_nothing_is_empty(voice_driver: VoiceDriver) -> None:
    for request in (SignedRequest(URL, {}), SignedRequest(URL, {}, body=b"{}")):
        assert voice_driver.parser.parse(request) == EMPTY


@pytest.mark.parametrize(
    "request_",
    [
        SignedRequest("", {}),
        SignedRequest("https://[::", {}, body=b"{"),
        SignedRequest(URL, {}, body=b"[" * 100_000),
        SignedRequest(URL, {}, body=b"\xff"),
        SignedRequest(URL, {}, body=json.dumps({"CallSid": ["x"]}).encode()),
        SignedRequest(URL, {}, (("\ud800", "\udfff"), ("From", "\ud800"), ("Digits", "\x00"))),
        SignedRequest(URL, {}, tuple((name, "\ud800" * 9999) for name in ("From", "CallSid"))),
    ],
    ids=range(7),
)
async def test_no_request_raises_an_exception(
    voice_driver: VoiceDriver, request_: SignedRequest
) -> None:
    fields = voice_driver.parser.parse(request_)

    assert (fields.provider_call_id, fields.caller) == ("", None)

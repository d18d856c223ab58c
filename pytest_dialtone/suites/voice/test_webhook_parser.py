"""The promises of the port that reads a provider's requests."""

import json
from typing import Final

import pytest

from application.ports.voice import WebhookFields
from application.ports.webhooks import SignedRequest
from domain.voice.walk import CallEvent, Continued
from pytest_dialtone.suites.voice.drivers import VoiceDriver

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


async def test_a_request_about_a_call_names_it(voice_driver: VoiceDriver) -> None:
    fields = voice_driver.parser.parse(await voice_driver.sign(URL))

    assert isinstance(fields, WebhookFields)
    assert fields.provider_call_id
    assert isinstance(fields.event, CallEvent)


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

"""The promises of the port that reads a provider's requests."""

import json
from collections.abc import AsyncIterator

import pytest

from adapters.twilio.webhook_parser import TwilioWebhookParser
from application.ports.voice import SignedRequest, WebhookFields
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from domain.voice.call import CallStatus
from domain.voice.flow import DialResult
from domain.voice.walk import Answered, CallEvent, Continued, Dialed, Recorded
from tests.contract.voice_drivers import VOICE_ADAPTERS, VoiceDriver, of_twilio_only
from tests.support.builders import a_phone

PARSER = TwilioWebhookParser()
URL = "https://dialtone.example.org/voice"
CALL_ID = "CA" + "1" * 32
RECORDING_ID = "RE" + "2" * 32
TOLL_FREE = PhoneNumber("+18005550123")
EMPTY = WebhookFields(
    provider_call_id="",
    caller=None,
    called=None,
    event=Continued(),
    call_status=None,
    message_status=None,
    error_code="",
)


def parse(**fields: str) -> WebhookFields:
    return PARSER.parse(SignedRequest(URL, {}, tuple(fields.items())))


@pytest.fixture(params=VOICE_ADAPTERS, ids=lambda open_driver: open_driver.__name__)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[VoiceDriver]:
    async for driver in request.param(request):
        yield driver


async def test_a_request_about_a_call_names_it(driver: VoiceDriver) -> None:
    fields = driver.parser.parse(await driver.sign(URL))

    assert isinstance(fields, WebhookFields)
    assert fields.provider_call_id
    assert isinstance(fields.event, CallEvent)


async def test_a_request_that_says_nothing_is_empty(driver: VoiceDriver) -> None:
    for request in (SignedRequest(URL, {}), SignedRequest(URL, {}, body=b"{}")):
        assert driver.parser.parse(request) == EMPTY


@of_twilio_only
def test_a_request_names_the_call_and_both_phones() -> None:
    fields = parse(CallSid=CALL_ID, From=a_phone(1).e164, To=TOLL_FREE.e164)

    assert fields.provider_call_id == CALL_ID
    assert (fields.caller, fields.called) == (a_phone(1), TOLL_FREE)


@of_twilio_only
@pytest.mark.parametrize(
    "caller",
    ["", "anonymous", "client:x", "sip:me@a.test", "+266696687", "+7378742833", "+17378742833"],
)
def test_a_caller_without_a_number_is_nobody(caller: str) -> None:
    assert parse(CallSid=CALL_ID, From=caller).caller is None


@of_twilio_only
@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({}, Continued()),
        ({"Digits": "", "SpeechResult": ""}, Continued()),
        ({"Digits": "1"}, Answered("1")),
        ({"SpeechResult": "yes, please"}, Answered(speech="yes, please")),
        ({"Digits": "#", "SpeechResult": "हाँ"}, Answered("#", "हाँ")),
        ({"RecordingSid": RECORDING_ID, "RecordingDuration": "17"}, Recorded(RECORDING_ID, 17)),
        ({"RecordingSid": RECORDING_ID, "RecordingDuration": "?"}, Recorded(RECORDING_ID)),
        ({"RecordingSid": RECORDING_ID, "Digits": "hangup"}, Recorded(RECORDING_ID)),
        ({"RecordingSid": RECORDING_ID, "RecordingStatus": "completed"}, Recorded(RECORDING_ID)),
        ({"RecordingSid": RECORDING_ID, "RecordingStatus": "in-progress"}, Continued()),
        ({"RecordingSid": "", "RecordingDuration": "0"}, Continued()),
        ({"DialCallStatus": "made_up"}, Dialed(DialResult.FAILED)),
        *(
            ({"DialCallStatus": result.value.replace("_", "-")}, Dialed(result))
            for result in DialResult
        ),
    ],
)
def test_a_request_says_what_happened(fields: dict[str, str], event: CallEvent) -> None:
    assert parse(CallSid=CALL_ID, **fields).event == event


@of_twilio_only
@pytest.mark.parametrize("status", CallStatus)
def test_a_request_has_the_status_of_the_call(status: CallStatus) -> None:
    assert parse(CallStatus=status.value.replace("_", "-")).call_status is status


@of_twilio_only
@pytest.mark.parametrize("status", ReportedStatus)
def test_a_request_has_the_status_of_a_message(status: ReportedStatus) -> None:
    fields = parse(MessageStatus=status.value, ErrorCode="30003")

    assert (fields.message_status, fields.error_code) == (status, "30003")


@of_twilio_only
def test_what_is_missing_is_empty() -> None:
    assert parse() == EMPTY


@of_twilio_only
def test_an_unknown_status_is_none() -> None:
    fields = parse(CallStatus="made_up", MessageStatus="made_up")

    assert (fields.call_status, fields.message_status) == (None, None)


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
async def test_no_request_raises_an_exception(driver: VoiceDriver, request_: SignedRequest) -> None:
    fields = driver.parser.parse(request_)

    assert (fields.provider_call_id, fields.caller) == ("", None)

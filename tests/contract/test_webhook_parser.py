"""The promises of the port that reads a provider's requests, and the requests of Twilio."""

import pytest

from adapters.messages.twilio.voice.webhook_parser import TwilioWebhookParser
from application.features.voice.ports import WebhookFields
from application.ports.webhooks import SignedRequest
from domain.features.voice.call import CallStatus
from domain.features.voice.step import Answered, CallEvent, Continued, Dialed, DialResult, Recorded
from domain.otp.delivery import ReportedStatus
from tests.contract.suites.voice.drivers import VoiceDriver
from tests.contract.suites.voice.test_webhook_parser import *
from tests.contract.suites.voice.test_webhook_parser import (
    EMPTY,
    URL,
    test_requests_are_told_apart_by_what_is_signed,
)
from tests.contract.voice_drivers import TwilioVoiceDriver

del test_requests_are_told_apart_by_what_is_signed  # Twilio signs the URL
PARSER = TwilioWebhookParser()
CALL_ID = "CA" + "1" * 32
RECORDING_ID = "RE" + "2" * 32


@pytest.fixture
def voice_driver() -> VoiceDriver:
    return TwilioVoiceDriver()


def parse(**fields: str) -> WebhookFields:
    return PARSER.parse(SignedRequest(URL, {}, tuple(fields.items())))


@pytest.mark.parametrize("caller", ["anonymous", "sip:me@a.test", "+266696687", "+17378742833"])
def test_a_caller_without_a_number_is_nobody(caller: str) -> None:
    assert parse(CallSid=CALL_ID, From=caller).caller is None


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"Digits": "", "SpeechResult": ""}, Continued()),
        ({"Digits": "#", "SpeechResult": "हाँ"}, Answered("#", "हाँ")),
        ({"RecordingSid": RECORDING_ID, "RecordingDuration": "17"}, Recorded(RECORDING_ID, 17)),
        ({"RecordingSid": RECORDING_ID, "RecordingDuration": "?"}, Recorded(RECORDING_ID)),
        ({"RecordingSid": RECORDING_ID, "Digits": "hangup"}, Recorded(RECORDING_ID)),
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


def test_a_request_has_the_status_of_the_call_or_of_a_message() -> None:
    for status in CallStatus:
        assert parse(CallStatus=status.value.replace("_", "-")).call_status is status
    for reported in ReportedStatus:
        fields = parse(MessageStatus=reported.value, ErrorCode="30003")
        assert (fields.message_status, fields.error_code) == (reported, "30003")
    assert parse(CallStatus="made_up", MessageStatus="made_up") == parse() == EMPTY

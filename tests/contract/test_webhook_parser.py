"""The promises of the port that reads a provider's requests."""

import json

import pytest

from adapters.twilio import TwilioWebhookParser
from application.ports.webhook_parser import WebhookFields, WebhookParser
from application.ports.webhook_signatures import SignedRequest
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from domain.voice.call import CallStatus
from domain.voice.flow import DialResult
from domain.voice.walk import Answered, CallEvent, Continued, Dialed, Recorded
from tests.support.builders import a_phone

URL = "https://dialtone.example.org/voice"
CALL_ID = "CA" + "1" * 32
RECORDING_ID = "RE" + "2" * 32
TOLL_FREE = PhoneNumber("+18005550123")


class ParserDriver:
    """A parser, and a provider that sends requests."""

    def __init__(self, parser: WebhookParser, names: dict[str, str]) -> None:
        self._parser = parser
        self._names = names

    def parse(self, **fields: str) -> WebhookFields:
        """Parse a form with these fields in the provider's names and words."""
        form = tuple((self._names[name], self.word(name, text)) for name, text in fields.items())
        return self._parser.parse(SignedRequest(URL, {}, form))

    def word(self, name: str, text: str) -> str:
        """Return the provider's word for a value of ours."""
        return text


class TwilioDriver(ParserDriver):
    def __init__(self) -> None:
        super().__init__(
            TwilioWebhookParser(),
            {
                "call": "CallSid",
                "caller": "From",
                "called": "To",
                "keys": "Digits",
                "speech": "SpeechResult",
                "dialed": "DialCallStatus",
                "recording": "RecordingSid",
                "seconds": "RecordingDuration",
                "recording_state": "RecordingStatus",
                "call_status": "CallStatus",
                "message_status": "MessageStatus",
                "error_code": "ErrorCode",
            },
        )

    def word(self, name: str, text: str) -> str:
        if name == "recording_state":
            return {"complete": "completed", "begun": "in-progress"}[text]
        return text.replace("_", "-") if name in ("call_status", "dialed") else text


@pytest.fixture(params=[TwilioDriver], ids=["twilio"])
def driver(request: pytest.FixtureRequest) -> ParserDriver:
    driver: ParserDriver = request.param()
    return driver


def test_a_request_names_the_call_and_both_phones(driver: ParserDriver) -> None:
    fields = driver.parse(call=CALL_ID, caller=a_phone(1).e164, called=TOLL_FREE.e164)

    assert fields.provider_call_id == CALL_ID
    assert (fields.caller, fields.called) == (a_phone(1), TOLL_FREE)


@pytest.mark.parametrize("caller", ["", "anonymous", "client:x", "sip:me@a.test", "+266696687"])
def test_a_caller_without_a_number_is_nobody(driver: ParserDriver, caller: str) -> None:
    assert driver.parse(call=CALL_ID, caller=caller).caller is None


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({}, Continued()),
        ({"keys": "", "speech": ""}, Continued()),
        ({"keys": "1"}, Answered("1")),
        ({"speech": "yes, please"}, Answered(speech="yes, please")),
        ({"keys": "#", "speech": "हाँ"}, Answered("#", "हाँ")),
        ({"recording": RECORDING_ID, "seconds": "17"}, Recorded(RECORDING_ID, 17)),
        ({"recording": RECORDING_ID, "seconds": "?"}, Recorded(RECORDING_ID)),
        ({"recording": RECORDING_ID, "keys": "hangup"}, Recorded(RECORDING_ID)),
        ({"recording": RECORDING_ID, "recording_state": "complete"}, Recorded(RECORDING_ID)),
        ({"recording": RECORDING_ID, "recording_state": "begun"}, Continued()),
        ({"recording": "", "seconds": "0"}, Continued()),
        ({"dialed": "made_up"}, Dialed(DialResult.FAILED)),
        *(({"dialed": result.value}, Dialed(result)) for result in DialResult),
    ],
)
def test_a_request_says_what_happened(
    driver: ParserDriver, fields: dict[str, str], event: CallEvent
) -> None:
    assert driver.parse(call=CALL_ID, **fields).event == event


@pytest.mark.parametrize("status", CallStatus)
def test_a_request_has_the_status_of_the_call(driver: ParserDriver, status: CallStatus) -> None:
    assert driver.parse(call_status=status.value).call_status is status


@pytest.mark.parametrize("status", ReportedStatus)
def test_a_request_has_the_status_of_a_message(
    driver: ParserDriver, status: ReportedStatus
) -> None:
    fields = driver.parse(message_status=status.value, error_code="30003")

    assert (fields.message_status, fields.error_code) == (status, "30003")


def test_what_is_missing_is_empty(driver: ParserDriver) -> None:
    assert driver.parse() == WebhookFields(
        provider_call_id="",
        caller=None,
        called=None,
        event=Continued(),
        call_status=None,
        message_status=None,
        error_code="",
    )


def test_an_unknown_status_is_none(driver: ParserDriver) -> None:
    fields = driver.parse(call_status="made_up", message_status="made_up")

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
@pytest.mark.parametrize("parser", [TwilioWebhookParser()])
def test_no_request_raises_an_exception(parser: WebhookParser, request_: SignedRequest) -> None:
    fields = parser.parse(request_)

    assert (fields.provider_call_id, fields.caller) == ("", None)

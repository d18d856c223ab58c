"""The fake Twilio executes TwiML and reports what happened, as Twilio documents it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from twilio.request_validator import RequestValidator

from tests.support.servers.fake_twilio import Created, FakeTwilio, PhoneCall
from tests.support.servers.http_server import Exchange, HttpServer

PUBLIC_URL = "https://dialtone.example.org/app"
ANSWER = f'action="{PUBLIC_URL}/voice/answer?visit=1" actionOnEmptyResult="true"'
OPERATOR = "<Number>+14155550002</Number>"
SAY = '<Say language="en-US">%s</Say>'


class Service(HttpServer):
    """Responds with the TwiML of a path; keeps all requests with valid signatures."""

    def __init__(self, twilio: FakeTwilio) -> None:
        super().__init__(self.respond)
        self.validator = RequestValidator(twilio.auth_token)
        self.documents: dict[str, str] = {}
        self.posted: list[tuple[str, dict[str, str]]] = []

    def respond(self, exchange: Exchange) -> None:
        fields = exchange.received.form
        url = PUBLIC_URL + exchange.path
        assert self.validator.validate(url, fields, exchange.headers["X-Twilio-Signature"])
        path = urlsplit(exchange.path).path
        self.posted.append((path, fields))
        document = f"<Response>{self.documents.get(path, '')}</Response>"
        exchange.respond(200, document.encode(), {"Content-Type": "text/xml"})


@pytest.fixture
def service(twilio: FakeTwilio) -> Iterator[Service]:
    with Service(twilio) as service:
        yield service


@pytest.fixture
def call(twilio: FakeTwilio, service: Service) -> PhoneCall:
    twilio.service_url, twilio.public_url = service.url, PUBLIC_URL
    return PhoneCall(twilio)


def test_a_caller_answers_by_key_speech_and_silence(service: Service, call: PhoneCall) -> None:
    gather = f"<Gather {ANSWER}>{SAY % 'Yes or no?'}</Gather>"
    service.documents = {"/voice": SAY % "Hello." + gather, "/voice/answer": gather}

    call.ring()
    assert (call.heard, call.waits_for, call.status) == (
        ["Hello.", "Yes or no?"],
        "Gather",
        "in-progress",
    )
    call.press("1")
    call.speak("yes")
    call.press("")
    call.hang_up()

    paths, posted = zip(*service.posted, strict=True)
    assert paths == ("/voice", *["/voice/answer"] * 3, "/voice/status")
    assert [fields["CallSid"] for fields in posted] == [call.sid] * 5
    assert posted[0]["CallStatus"] == "ringing"
    assert posted[1]["Digits"] == "1"
    assert posted[2]["SpeechResult"] == "yes"
    assert posted[3]["Digits"] == ""
    assert (posted[4]["CallStatus"], posted[4]["CallDuration"]) == ("completed", "12")


def test_a_call_follows_redirects_dials_and_ends_with_its_document(
    service: Service, call: PhoneCall
) -> None:
    service.documents = {
        "/voice": f"<Redirect>{PUBLIC_URL}/voice/next</Redirect>",
        "/voice/next": f'<Dial action="{PUBLIC_URL}/voice/answer">{OPERATOR}</Dial>',
        "/voice/answer": SAY % "Goodbye.",
    }

    call.ring()
    call.end_dial("busy")

    assert (call.heard, call.waits_for, call.status) == (["Goodbye."], None, "completed")
    paths = ["/voice", "/voice/next", "/voice/answer", "/voice/status"]
    assert [path for path, _ in service.posted] == paths
    assert service.posted[2][1]["DialCallStatus"] == "busy"


RECORD = (
    f'<Record action="{PUBLIC_URL}/voice/answer" '
    f'recordingStatusCallback="{PUBLIC_URL}/voice/recording"/>'
)


def test_a_recording_is_reported(twilio: FakeTwilio, service: Service, call: PhoneCall) -> None:
    service.documents = {"/voice": RECORD}

    call.ring()
    sid = call.leave_recording(b"sound")

    assert twilio.recordings == {sid: b"sound"}
    posted = {path: fields.get("RecordingSid") for path, fields in service.posted}
    recorded = {"/voice/answer": sid, "/voice/recording": sid}
    assert posted == {"/voice": None, "/voice/status": None, **recorded}


PLACED = Created(
    "CA1",
    [
        ("From", "+15005550006"),
        ("To", "+14155550009"),
        ("Url", f"{PUBLIC_URL}/voice/outbound?call=4f2a"),
        ("StatusCallback", f"{PUBLIC_URL}/voice/placed"),
        *(("StatusCallbackEvent", event) for event in ("ringing", "answered", "completed")),
    ],
)


def test_a_call_of_the_service_rings_and_is_answered_at_its_url(
    service: Service, call: PhoneCall
) -> None:
    service.documents = {"/voice/outbound": SAY % "It is us."}

    call.receive(PLACED)
    assert call.heard == []
    call.answer()

    assert call.heard == ["It is us."]
    paths, posted = zip(*service.posted, strict=True)
    assert paths == (*["/voice/placed"] * 2, "/voice/outbound", "/voice/placed")
    statuses = [fields["CallStatus"] for fields in posted]
    assert statuses == ["ringing", "in-progress", "in-progress", "completed"]
    directions = {(fields["CallSid"], fields["Direction"], fields["To"]) for fields in posted}
    assert directions == {("CA1", "outbound-api", "+14155550009")}


def test_a_recording_that_ends_with_the_call_is_reported_after_its_end(
    service: Service, call: PhoneCall
) -> None:
    service.documents = {"/voice": RECORD}

    call.ring()
    sid = call.leave_recording(b"sound", hangs_up=True)

    posted = service.posted[1:]
    assert [path for path, _ in posted] == ["/voice/answer", "/voice/recording", "/voice/status"]
    assert {fields["CallStatus"] for _, fields in posted} == {"completed"}
    assert [fields.get("RecordingSid") for _, fields in posted] == [sid, sid, None]

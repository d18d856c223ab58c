"""The call to the operator, and feedback."""

import pytest

from tests.e2e.phone_line import GOODBYE, PhoneLine, bearer
from tests.support.servers.fake_twilio import rejects

OFFER = "Would you like to leave feedback? Say yes or press 1. Otherwise, say no or press 2."
BUSY = "The operator is busy."
ABSENT = "The operator does not answer at the moment."


@pytest.mark.parametrize("status", ["completed", "answered"])
def test_after_the_operators_call_the_call_ends(line: PhoneLine, phone: str, status: str) -> None:
    call = line.call(phone, "1")

    call.end_dial(status)

    assert (call.heard[-1], call.waits_for) == (GOODBYE, None)
    assert line.log_entry(call)["outcome"] == "connected"


@pytest.mark.parametrize(
    ("status", "text"),
    [("busy", BUSY), ("no-answer", ABSENT), ("failed", ABSENT), ("canceled", ABSENT)],
)
def test_an_operator_who_does_not_answer_is_announced_and_feedback_offered(
    line: PhoneLine, phone: str, status: str, text: str
) -> None:
    call = line.call(phone, "1")

    call.end_dial(status)

    assert call.heard[-2:] == [text, OFFER]
    call.press("2")
    assert call.heard[-1] == GOODBYE
    assert line.log_entry(call)["outcome"] == "operator_unavailable"


@pytest.mark.parametrize("hangs_up", [False, True])
def test_feedback_is_recorded_and_an_administrator_hears_it(
    line: PhoneLine, phone: str, hangs_up: bool
) -> None:
    content = f"the voice of {phone}".encode() * 5000
    line.join(phone)
    call = line.call(phone, "3")
    assert call.verb is not None
    assert call.verb.get("playBeep") == "true"

    if hangs_up:
        call.hang_up_after_recording(content, 9)
    else:
        call.leave_recording(content, 9)
        assert call.heard[-1] == "Thank you for your feedback. Goodbye."

    entry = line.log_entry(call)
    assert entry["outcome"] == "recorded"
    path = f"/calls/{entry['id']}/recording"
    fetched = line.http.get(path, headers=bearer(line.administrator))
    assert (fetched.status_code, fetched.content) == (200, content)
    assert fetched.headers["content-type"] == "audio/mpeg"
    assert line.http.get(path).status_code == 401


def test_the_owner_of_the_number_gets_no_recording(line: PhoneLine, phone: str) -> None:
    token = line.sign_in(phone)
    call = line.call(phone, "3")
    call.leave_recording(b"the attacker's voice")

    (entry,) = line.log(token)
    assert entry["caller_verified"] is False
    assert "recording" not in str(entry)
    fetched = line.http.get(f"/calls/{entry['id']}/recording", headers=bearer(token))
    assert fetched.status_code in (403, 404)


def test_silence_after_the_tone_is_no_recording(line: PhoneLine, phone: str) -> None:
    line.join(phone)
    call = line.call(phone, "3")

    call.stay_silent()

    assert call.heard[-1] == GOODBYE
    path = f"/calls/{line.log_entry(call)['id']}/recording"
    fetched = line.http.get(path, headers=bearer(line.administrator))
    assert fetched.status_code == 404


def test_a_recording_that_twilio_does_not_have_or_does_not_serve(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    call = line.call(phone, "3")
    sid = call.leave_recording(b"gone")
    path = f"/calls/{line.log_entry(call)['id']}/recording"
    headers = bearer(line.administrator)

    line.twilio.behavior = rejects(20500)
    unavailable = line.http.get(path, headers=headers)
    line.twilio.behavior = line.twilio.respond
    del line.twilio.recordings[sid]

    assert unavailable.status_code == 503
    assert int(unavailable.headers["retry-after"]) > 0
    assert line.http.get(path, headers=headers).status_code == 404

"""Callers join, talk to the operator, leave feedback, sign in, and leave."""

from typing import Final

from tests.e2e.app import bearer
from tests.e2e.phone_line import OPERATOR, PhoneLine
from tests.support.servers.fake_twilio import rejects

WELCOME: Final = "Welcome to Dialtone."
JOIN: Final = "Would you like to join? Say yes or press 1. To decline, say no or press 2."
CONSENT: Final = "you agree that Dialtone stores your phone number and a log of your calls."
WELCOME_BACK: Final = "Welcome back to Dialtone."
CONNECTING: Final = "We connect you to the operator."
GOODBYE: Final = "Goodbye."


def test_an_unknown_caller_joins_and_talks_to_the_operator(line: PhoneLine, phone: str) -> None:
    before = line.identities()

    call = line.call(phone)
    assert call.heard == [WELCOME, "Para español, oprima 9.", JOIN]
    call.press("1")

    consent, thanks, connecting = call.heard[3:]
    assert CONSENT in consent
    assert (thanks, connecting) == ("Thank you. You have joined Dialtone.", CONNECTING)
    assert call.verb is not None
    assert (call.verb.tag, call.verb[0].text) == ("Dial", OPERATOR)
    assert call.verb.attrib["callerId"] == phone
    (joined,) = line.identities().keys() - before.keys()
    assert line.log_entry(call)["status"] == "in-progress"
    call.end_dial("completed")
    assert (call.heard[-1], call.status) == (GOODBYE, "completed")
    record = line.identities()[joined]
    assert consent in record
    assert phone not in record
    entry = line.log_entry(call)
    path = ["welcome", "join", "register", "thanks", "operator", "goodbye"]
    assert (entry["path"], entry["outcome"], entry["status"]) == (path, "connected", "completed")
    assert entry["started_at"] <= entry["ended_at"]
    assert line.call(phone).heard[0] == WELCOME_BACK


def test_without_the_operator_feedback_is_recorded_and_an_administrator_hears_it(
    line: PhoneLine, phone: str
) -> None:
    content = f"the voice of {phone}".encode() * 5000
    call = line.call(phone, "1")
    call.end_dial("busy")
    assert call.heard[-2].startswith("The operator is busy.")
    call.press("9")
    assert "Sorry, I did not understand that." in call.heard
    call.press("1")
    assert call.verb is not None
    assert call.verb.get("playBeep") == "true"

    sid = call.leave_recording(content, 9, hangs_up=True)

    entry = line.log_entry(call)
    assert entry["outcome"] == "recorded"
    path, headers = f"/calls/{entry['id']}/recording", bearer(line.administrator)
    fetched = line.http.get(path, headers=headers)
    assert (fetched.status_code, fetched.content) == (200, content)
    assert fetched.headers["content-type"] == "audio/mpeg"
    assert line.http.get(path).status_code == 401
    line.twilio.behavior = rejects(20500)
    unavailable = line.http.get(path, headers=headers)
    line.twilio.behavior = line.twilio.respond
    assert unavailable.status_code == 503
    assert int(unavailable.headers["retry-after"]) > 0
    del line.twilio.recordings[sid]
    assert line.http.get(path, headers=headers).status_code == 404

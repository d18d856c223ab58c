"""The caller hangs up at every node where the call waits; the call log is complete."""

from collections.abc import Callable

import pytest

from tests.e2e.phone_line import PhoneLine
from tests.support.servers.fake_twilio import PhoneCall

UNKNOWN = ["welcome", "join"]
KNOWN = ["welcome_back", "main_menu"]
JOINED = [*UNKNOWN, "register", "thanks", "operator"]


def at_join(line: PhoneLine, call: PhoneCall) -> list[str]:
    call.ring()
    return UNKNOWN


def during_the_consent(line: PhoneLine, call: PhoneCall) -> list[str]:
    call.ring()
    call.press("1")
    assert call.waits_for == "Redirect"
    return [*UNKNOWN, "register"]


def while_the_operators_phone_rings(line: PhoneLine, call: PhoneCall) -> list[str]:
    call.ring()
    call.press("1")
    call.stay()
    return JOINED


def at_the_offer_of_feedback(line: PhoneLine, call: PhoneCall) -> list[str]:
    while_the_operators_phone_rings(line, call)
    call.end_dial("busy")
    return [*JOINED, "operator_busy", "offer_feedback"]


def after_the_tone(line: PhoneLine, call: PhoneCall) -> list[str]:
    at_the_offer_of_feedback(line, call)
    call.press("1")
    return [*JOINED, "operator_busy", "offer_feedback", "feedback"]


def at_the_main_menu(line: PhoneLine, call: PhoneCall) -> list[str]:
    line.join(call.fields["From"])
    call.ring()
    return KNOWN


def at_the_confirmation(line: PhoneLine, call: PhoneCall) -> list[str]:
    at_the_main_menu(line, call)
    call.press("4")
    return [*KNOWN, "confirm_leaving"]


@pytest.mark.parametrize(
    "come",
    [
        at_join,
        during_the_consent,
        while_the_operators_phone_rings,
        at_the_offer_of_feedback,
        after_the_tone,
        at_the_main_menu,
        at_the_confirmation,
    ],
    ids=lambda come: come.__name__,
)
def test_a_call_is_in_the_log_wherever_the_caller_hangs_up(
    line: PhoneLine, phone: str, come: Callable[[PhoneLine, PhoneCall], list[str]]
) -> None:
    call = line.pick_up(phone, stops_at_redirects=True)
    path = come(line, call)
    open_entry = line.log_entry(call)
    assert (open_entry["status"], open_entry["ended_at"]) == ("in-progress", None)

    call.hang_up()

    entry = line.log_entry(call)
    assert entry["path"] == path
    assert (entry["direction"], entry["status"]) == ("inbound", "completed")
    assert entry["started_at"] <= entry["ended_at"]
    assert entry["duration_seconds"] >= 0
    assert entry["caller_verified"] is False


def test_a_status_never_goes_back(line: PhoneLine, phone: str) -> None:
    call = line.call(phone, "2")
    before = line.log_entry(call)
    url, fields = call.requests[-1]
    assert url.endswith("/voice/status")

    for status in ("ringing", "in-progress", "busy", "failed", "no-such-status", ""):
        late = {**dict(fields), "CallStatus": status}
        assert line.webhooks.post(url, list(late.items())).status in (200, 204)

    assert line.log_entry(call) == before


def test_a_status_of_an_unknown_call_changes_nothing(line: PhoneLine, phone: str) -> None:
    before = line.log(line.administrator)
    call = line.pick_up(phone)

    call.hang_up("canceled")
    response = call.post("https://phone.example.org/line/voice/status?call=" + "0" * 32)

    assert {call.responses[0].status, response.status} <= {200, 204}
    assert line.log(line.administrator) == before

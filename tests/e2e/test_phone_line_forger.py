"""A caller id is a claim, not a proof: somebody calls with the number of another person."""

from collections.abc import Callable

import pytest

from tests.e2e.phone_line import (
    CALLBACK,
    WELCOME_BACK,
    PhoneLine,
    bearer,
    spoken_digits,
)
from tests.support.servers.fake_twilio import PhoneCall

Forgery = Callable[[PhoneCall], None]


def hear_the_menu(call: PhoneCall) -> None:
    call.stay_silent()
    call.press("9")
    call.speak("what is my code")


def reach_the_operator(call: PhoneCall) -> None:
    call.press("1")
    call.end_dial("completed")


def reach_a_busy_operator(call: PhoneCall) -> None:
    call.speak("operator")
    call.end_dial("busy")
    call.press("2")


def request_callback(call: PhoneCall) -> None:
    call.press("2")


def leave_feedback(call: PhoneCall) -> None:
    call.press("3")
    call.leave_recording(b"delete my account")


def leave_feedback_by_the_operator(call: PhoneCall) -> None:
    call.press("1")
    call.end_dial("no-answer")
    call.press("1")
    call.hang_up_after_recording(b"delete my account")


def leave_the_service(call: PhoneCall) -> None:
    call.press("4")
    call.press("1")


def almost_leave_the_service(call: PhoneCall) -> None:
    call.speak("leave")
    call.speak("no")
    call.hang_up()


FORGERIES: tuple[Forgery, ...] = (
    hear_the_menu,
    reach_the_operator,
    reach_a_busy_operator,
    request_callback,
    leave_feedback,
    leave_feedback_by_the_operator,
    leave_the_service,
    almost_leave_the_service,
)


@pytest.mark.parametrize("is_administrator", [False, True], ids=["user", "administrator"])
def test_a_forged_number_reads_and_changes_nothing_of_its_owner(
    line: PhoneLine, phone: str, is_administrator: bool
) -> None:
    token = line.administrator if is_administrator else line.sign_up(phone)[0]
    before = {
        path: line.http.get(path, headers=bearer(token)).json()
        for path in ("/users/me", "/auth/sessions")
    }
    owner = before["/users/me"]
    identities = line.identities()

    for forgery in FORGERIES:
        call = line.call(owner["number"])
        forgery(call)

        assert line.identities() == identities, forgery
        assert call.heard[0] == WELCOME_BACK
        assert call.waits_for is None
        assert spoken_digits(call) == []
        heard = " ".join(call.heard)
        assert owner["username"] not in heard
        assert owner["number"].removeprefix("+1") not in heard.replace(" ", "")

    for path, response in before.items():
        current = line.http.get(path, headers=bearer(token))
        assert without_last_use(current.json()) == without_last_use(response)


def without_last_use(response: object) -> object:
    """Return a response without times, since every request is a use of the session."""
    if isinstance(response, dict):
        return {
            name: without_last_use(value) for name, value in response.items() if "used" not in name
        }
    return [without_last_use(item) for item in response] if isinstance(response, list) else response


def test_a_forged_number_gets_a_code_only_on_the_owners_phone(line: PhoneLine, phone: str) -> None:
    line.sign_up(phone)

    forged = line.call(phone, "2")

    assert (forged.heard[-1], spoken_digits(forged)) == (CALLBACK, [])
    assert [call.form["To"] for call in line.callbacks(phone)] == [phone]
    # Nor does a request that pretends to be a continuation of the owner's call.
    url = line.callbacks(phone)[0].form["Url"]
    for parameters in ("", "?node=code&visit=1&repeat=0"):
        response = forged.post(url + parameters, {"Digits": "1", "CallSid": forged.sid})
        assert "Your code is" not in response.text


def test_a_forged_join_is_taken_over_by_the_owner_without_its_consent(
    line: PhoneLine, phone: str
) -> None:
    before = line.identities().keys()
    line.join(phone)
    recorded = line.call(phone, "3")
    recorded.leave_recording(b"the attacker's voice")
    (user_id,) = line.identities().keys() - before

    token = line.sign_in(phone)

    assert line.identities().keys() - before == {user_id}
    assert line.http.get("/users/me", headers=bearer(token)).status_code == 404
    body = {"username": f"owner {phone}", "number": phone}
    created = line.http.post("/users", json=body, headers=bearer(token)).json()
    assert (created["user_id"], created["admin"]) == (user_id, False)
    sessions = line.http.get("/auth/sessions", headers=bearer(token)).json()["sessions"]
    assert len(sessions) == 1
    entries = line.log(token)
    assert [entry["caller_verified"] for entry in entries] == [False, False]
    assert "recording" not in str(entries)
    fetched = line.http.get(f"/calls/{entries[0]['id']}/recording", headers=bearer(token))
    assert fetched.status_code in (403, 404)


def test_after_the_takeover_a_forger_can_no_longer_leave_for_the_owner(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    call = line.call(phone, "4")
    token = line.sign_in(phone)

    # The owner signs in while the forger is asked whether to leave.
    call.press("1")

    assert call.heard[-1].startswith("To leave, open the app")
    assert line.http.get("/auth/sessions", headers=bearer(token)).status_code == 200


def test_a_forger_who_leaves_takes_nothing_but_the_unverified_join(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    line.call(phone, "4", "1")

    token, _ = line.sign_up(phone)

    assert line.http.get("/users/me", headers=bearer(token)).json()["number"] == phone
    assert line.call(phone).heard[0] == WELCOME_BACK

"""A caller id is a claim, not a proof, and a webhook is one only if it is signed."""

import re
from collections.abc import Callable
from typing import Final

from tests.e2e.phone_line import (
    CALLBACK,
    OPERATOR,
    WELCOME_BACK,
    PhoneLine,
    bearer,
    spoken_digits,
)
from tests.support.servers.fake_twilio import PhoneCall


def reach_a_busy_operator(call: PhoneCall) -> None:
    call.speak("operator")
    call.end_dial("busy")
    call.press("1")
    call.leave_recording(b"delete my account")


def leave_the_service(call: PhoneCall) -> None:
    call.press("4")
    call.press("1")


FORGERIES: Final[tuple[Callable[[PhoneCall], None], ...]] = (
    lambda call: call.speak("what is my code"),
    reach_a_busy_operator,
    lambda call: call.press("2"),
    leave_the_service,
)


def test_a_forged_number_reads_and_changes_nothing_of_an_administrator(line: PhoneLine) -> None:
    headers = bearer(line.administrator)
    owner = line.http.get("/users/me", headers=headers).json()
    identities = line.identities()

    for forgery in FORGERIES:
        call = line.call(owner["number"])
        forgery(call)

        assert line.identities() == identities
        assert call.heard[0] == WELCOME_BACK
        assert spoken_digits(call) == []
        assert owner["username"] not in " ".join(call.heard)

    assert line.http.get("/users/me", headers=headers).json() == owner


def test_a_forged_number_gets_a_code_only_on_the_owners_phone(line: PhoneLine, phone: str) -> None:
    line.sign_up(phone)

    forged = line.call(phone, "2")

    assert (forged.heard[-1], spoken_digits(forged)) == (CALLBACK, [])
    assert [call.form["To"] for call in line.callbacks(phone)] == [phone]
    # Nor does a request that pretends to be a continuation of the owner's call.
    url = line.callbacks(phone)[0].form["Url"]
    for parameters in ("", "?node=code&visit=1&repeat=0"):
        response = forged.post(url + parameters, {"Digits": "1", "CallSid": forged.sid})
        assert response.status_code == 200
        assert "Your code is" not in response.text
    assert line.hear_code(phone)


def test_a_blocked_phone_hears_the_same_and_is_not_called_back(
    line: PhoneLine, phone: str, other_phone: str
) -> None:
    line.join(phone)

    for keys in (("2",), ("3",), ("9", "#", "*")):
        callers = (phone, line.blocked_phone)
        assert len({tuple(line.call(caller, *keys).heard) for caller in callers}) == 1
    body = {"channel": "voice"}
    usual, blocked = [
        line.http.post("/auth/request-otp", json={**body, "phone": number}).json()
        for number in (other_phone, line.blocked_phone)
    ]

    called = [len(line.callbacks(each)) for each in (phone, other_phone, line.blocked_phone)]
    assert called == [1, 1, 0]
    assert blocked.pop("request_id") != usual.pop("request_id")
    assert blocked == usual


def test_codes_and_phone_numbers_are_not_stored_and_not_logged(line: PhoneLine, phone: str) -> None:
    line.join(phone)
    line.call(phone, "3").leave_recording(b"sound")
    line.call(phone, "2")
    codes = [line.hear_code(phone)]
    assert line.verify(phone, codes[0])["success"] is True
    line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    codes.append(line.hear_code(phone, 2))
    line.call(phone, "4", "1")

    stored = str(line.database.read_records())
    files = b"".join(path.read_bytes() for path in line.service.folder.glob("dialtone.db*"))
    for place in (stored, files.decode("latin-1"), line.service.log, line.service.shown):
        assert phone.removeprefix("+1") not in place
        assert OPERATOR.removeprefix("+") not in place
        for code in codes:
            # Six digits may be a part of a longer number or of a hash.
            assert re.search(rf"(?<![\w.]){code}(?![\w.])", place) is None
    assert "twilio.com" not in stored
    assert line.twilio.url not in stored

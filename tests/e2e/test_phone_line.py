"""Callers leave feedback and are called back; codes and numbers reach no record and no log."""

import re

from tests.e2e.app import bearer
from tests.e2e.phone_line import ADMINISTRATOR, OPERATOR, PhoneLine
from tests.support.service import REASON


def test_feedback_is_recorded_and_heard_by_an_administrator_until_the_demotion(
    line: PhoneLine, phone: str
) -> None:
    content = f"the voice of {phone}".encode() * 5000
    call = line.call(phone, "1")
    call.end_dial("busy")
    assert call.heard[-2].startswith("The operator is busy.")
    call.press("1")
    assert call.verb is not None
    assert call.verb.get("playBeep") == "true"

    sid = call.leave_recording(content, 9, hangs_up=True)

    headers = bearer(line.sign_in_administrator())
    (entry,) = line.http.get("/calls?limit=1", headers=headers).json()["calls"]
    assert entry["outcome"] == "recorded"
    path = f"/calls/{entry['id']}/recording"
    fetched = line.http.get(path, headers=headers)
    assert (fetched.status_code, fetched.content) == (200, content)
    del line.twilio.recordings[sid]
    assert line.http.get(path, headers=headers).status_code == 404
    demoted = line.service.run("user", "demote", ADMINISTRATOR, *REASON).stdout
    assert demoted.endswith(" is a member now.\n")
    assert line.http.get(path, headers=headers).status_code == 403


def test_codes_and_phone_numbers_are_not_stored_and_not_logged(line: PhoneLine, phone: str) -> None:
    line.join(phone)
    line.call(phone, "3").leave_recording(b"sound")
    line.call(phone, "2")
    codes = [line.hear_code(phone)]
    assert line.verify(phone, codes[0])["success"] is True
    line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    codes.append(line.hear_code(phone, 2))
    line.call(phone, "4", "1")

    stored = str(line.read_records())
    files = b"".join(path.read_bytes() for path in line.service.folder.glob("dialtone.db*"))
    for place in (stored, files.decode("latin-1"), line.service.log, line.service.shown):
        assert phone.removeprefix("+1") not in place
        assert OPERATOR.removeprefix("+") not in place
        for code in codes:
            # Six digits may be a part of a longer number or of a hash.
            assert re.search(rf"(?<![\w.]){code}(?![\w.])", place) is None
    assert "twilio.com" not in stored
    assert line.twilio.url not in stored

"""What callers say is heard by administrators, and codes and numbers reach no record and no log."""

import re

from tests.e2e.phone_line import OPERATOR, PhoneLine
from tests.support.client import bearer


def test_of_calls_no_code_and_no_number_is_stored_or_logged(line: PhoneLine, phone: str) -> None:
    line.join(phone)
    line.call(phone, "3").leave_recording(b"sound")
    headers = bearer(line.sign_in_administrator())
    [entry] = line.http.get("/calls?limit=1", headers=headers).json()["calls"]
    recording = line.http.get(f"/calls/{entry['id']}/recording", headers=headers)
    assert (entry["outcome"], recording.content) == ("recorded", b"sound")
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

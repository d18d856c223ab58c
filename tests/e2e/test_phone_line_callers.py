"""A caller leaves feedback, which an administrator hears."""

from tests.e2e.app import bearer
from tests.e2e.phone_line import ADMINISTRATOR, PhoneLine
from tests.support.service import REASON


def test_feedback_is_recorded_and_heard_by_an_administrator_until_the_demotion(
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

    headers = bearer(line.sign_in_administrator())
    (entry,) = line.http.get("/calls?limit=1", headers=headers).json()["calls"]
    assert entry["outcome"] == "recorded"
    path = f"/calls/{entry['id']}/recording"
    fetched = line.http.get(path, headers=headers)
    assert (fetched.status_code, fetched.content) == (200, content)
    del line.twilio.recordings[sid]
    assert line.http.get(path, headers=headers).status_code == 404
    assert line.service.run("user", "demote", ADMINISTRATOR, *REASON).stdout.endswith(
        " is a member now.\n"
    )
    assert line.http.get(path, headers=headers).status_code == 403

"""What the call log and Twilio keep after an account was deleted, and after a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.phone_line import PhoneLine, bearer
from tests.support.servers.fake_twilio import PhoneCall, rejects
from tests.support.servers.http_server import Behavior, Exchange


@contextmanager
def deletions(line: PhoneLine, behavior: Behavior) -> Iterator[list[str]]:
    """Let Twilio treat deletions of recordings in another way; yield their paths."""
    paths: list[str] = []

    def respond(exchange: Exchange) -> None:
        if exchange.request.method == "DELETE":
            paths.append(exchange.request.path)
            behavior(exchange)
        else:
            line.twilio.respond(exchange)

    line.twilio.behavior = respond
    try:
        yield paths
    finally:
        line.twilio.behavior = line.twilio.respond


@dataclass(frozen=True, slots=True)
class DeletedCaller:
    """Somebody who left a recording and then deleted the account."""

    user_id: str
    recording_sid: str
    call: PhoneCall


def delete_account(line: PhoneLine, phone: str) -> DeletedCaller:
    token, user_id = line.sign_up(phone)
    call = line.call(phone, "3")
    sid = call.leave_recording(b"sound")
    assert line.log_entry(call)["user_id"] == user_id
    assert line.http.delete("/users/me", headers=bearer(token)).status_code == 204
    return DeletedCaller(user_id, sid, call)


def leave_by_phone(line: PhoneLine, phone: str) -> DeletedCaller:
    before = line.identities().keys()
    line.join(phone)
    call = line.call(phone, "3")
    sid = call.leave_recording(b"sound")
    (user_id,) = line.identities().keys() - before
    line.call(phone, "4", "1")
    return DeletedCaller(user_id, sid, call)


def test_deleted_callers_are_forgotten_by_the_log_and_by_twilio(
    line: PhoneLine, phone: str, other_phone: str
) -> None:
    deleted = delete_account(line, phone)
    left = leave_by_phone(line, other_phone)
    of_others = line.call(phone.replace("+1415", "+1212"), "1")
    of_others.end_dial("busy")
    of_others.press("1")
    kept_sid = of_others.leave_recording(b"of somebody else")

    # Twilio refuses: the names are gone at once, and the recordings at the next cleanup.
    with deletions(line, rejects(20500, 503)) as paths:
        line.cleanup()
    assert paths != []
    calls = str(line.records("calls"))
    for caller in (deleted, left):
        assert caller.user_id not in calls
        assert caller.recording_sid in calls
        assert line.twilio.recordings[caller.recording_sid] == b"sound"

    # One recording is not there any more: that is a success.
    del line.twilio.recordings[left.recording_sid]
    line.cleanup()

    assert line.twilio.recordings.keys() & {deleted.recording_sid, kept_sid} == {kept_sid}
    calls = str(line.records("calls"))
    for caller in (deleted, left):
        assert caller.recording_sid not in calls
        entry = line.log_entry(caller.call)
        assert (entry["user_id"], entry["outcome"]) == (None, "recorded")
        path = f"/calls/{entry['id']}/recording"
        assert line.http.get(path, headers=bearer(line.administrator)).status_code == 404

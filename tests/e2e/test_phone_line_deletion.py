"""What the call log and Twilio keep after an account was deleted, and after a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.phone_line import PhoneLine, bearer
from tests.support.servers.fake_twilio import rejects
from tests.support.servers.http_server import Behavior, Exchange


def delete_account(line: PhoneLine, token: str) -> None:
    assert line.http.delete("/users/me", headers=bearer(token)).status_code == 204


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


def test_a_deleted_account_is_forgotten_by_the_log_and_by_twilio(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    recorded = line.call(phone, "3")
    sid = recorded.leave_recording(b"sound")
    token, user_id = line.sign_up(phone)
    assert line.log_entry(recorded)["user_id"] == user_id

    delete_account(line, token)
    line.cleanup()

    assert sid not in line.twilio.recordings
    entry = line.log_entry(recorded)
    assert (entry["user_id"], entry["outcome"]) == (None, "recorded")
    path = f"/calls/{entry['id']}/recording"
    assert line.http.get(path, headers=bearer(line.administrator)).status_code == 404
    assert user_id not in str(line.read_records()["calls"])
    assert sid not in str(line.read_records()["calls"])


def test_a_recording_that_twilio_no_longer_has_is_deleted(line: PhoneLine, phone: str) -> None:
    token, _ = line.sign_up(phone)
    sid = line.call(phone, "3").leave_recording(b"sound")
    del line.twilio.recordings[sid]

    delete_account(line, token)
    with deletions(line, line.twilio.respond) as paths:
        line.cleanup()
        assert [path for path in paths if sid in path] != []
        paths.clear()
        line.cleanup()

    assert [path for path in paths if sid in path] == []


def test_a_deletion_that_twilio_refuses_is_retried(line: PhoneLine, phone: str) -> None:
    token, user_id = line.sign_up(phone)
    sid = line.call(phone, "3").leave_recording(b"sound")

    delete_account(line, token)
    with deletions(line, rejects(20500, 503)) as paths:
        refused = line.service.run("cleanup")
    assert refused.returncode in (0, 1), refused.stderr
    assert [path for path in paths if sid in path] != []
    assert sid in line.twilio.recordings
    assert user_id not in str(line.read_records()["calls"])

    line.cleanup()

    assert sid not in line.twilio.recordings


def test_an_unverified_caller_who_leaves_is_forgotten_too(line: PhoneLine, phone: str) -> None:
    before = line.identities().keys()
    line.join(phone)
    recorded = line.call(phone, "3")
    sid = recorded.leave_recording(b"sound")
    (user_id,) = line.identities().keys() - before

    line.call(phone, "4", "1")
    line.cleanup()

    assert sid not in line.twilio.recordings
    assert user_id not in str(line.read_records()["calls"])

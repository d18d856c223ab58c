"""`dialtone events` as an operator uses it."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from application.features.events.send_events import EventRejected
from domain.identities.user_events import RETRY_PERIOD, EventType, UserEvents
from entrypoints.commands.features.events import SEND_TEST
from entrypoints.commands.operations.checks import connection_checks
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.events import EVENT_RECORDS, EVENTS
from tests.support.builders import a_phone, a_user, an_id, an_identity
from tests.support.commands import CommandLine, json_lines
from tests.support.servers.fake_hook import FakeReceiver

HOOK: Final = {
    "DIALTONE_EVENTS": "http://127.0.0.1:9/secret-path?token=tops3cret",
    "DIALTONE_EVENTS_SECRET": f"whsec_{'A' * 32}",
}
NOW: Final = datetime.now(UTC).replace(microsecond=0)
LATER: Final = NOW + timedelta(hours=1)
KEPT, WAITING = an_id(1), an_id(2)
CREATED: Final = NOW - timedelta(days=4)
SENT_SOON: Final = (
    "1 event of 1 user: a running service sends them within 30 seconds, if the destination accepts "
    "events by then.\n"
)
REASON: Final = "no connection (TLS: self-signed certificate)"
KEPT_EVENT: Final = f"evt_{KEPT}_{CREATED.timestamp() * 1000:.0f}"


@pytest.fixture
def dialtone(tmp_path: Path) -> CommandLine:
    """A database in which a user has a kept event, and another user a waiting one."""
    dialtone = CommandLine(tmp_path, HOOK)

    async def add_users() -> None:
        async with open_use_cases(dialtone.settings, [EVENT_RECORDS]) as use_cases:
            operator_events = EVENTS.of(use_cases).records.operator_events
            [name] = operator_events.destinations
            failed = [NOW - RETRY_PERIOD, NOW], [LATER]
            for number, times in enumerate(failed, 1):
                events = UserEvents().record(EventType.USER_CREATED, CREATED)
                for time in times:
                    progress = events.progress_of(name).mark_failed(time, reason=REASON)
                    events = events.settle([progress], [name])
                identity = an_identity(
                    id=an_id(number), phone=a_phone(number), user=a_user(f"user {number}")
                )
                await operator_events.identities.add(replace(identity, events=events))

    asyncio.run(add_users())
    return dialtone


def test_events_are_listed_with_the_origin_of_the_destination_only(dialtone: CommandLine) -> None:
    kept, waiting = dialtone.run("events", "list").stdout.splitlines()
    created = f"{CREATED:%Y-%m-%d %H:%M:%S} UTC"
    origin = "http://127.0.0.1:9"

    assert kept.split("  ") == [
        KEPT_EVENT, "user.created", created, KEPT, origin, f"failures: 2 ({REASON})",
        "kept: dialtone events retry",
    ]  # fmt: skip
    assert waiting.split("  ")[3:-1] == [WAITING, origin, f"failures: 1 ({REASON})"]
    assert waiting.endswith(f"next attempt {LATER + timedelta(seconds=5):%Y-%m-%d %H:%M:%S} UTC")
    listed = dialtone.run("events", "list", "--limit", "1")
    assert listed.stdout.startswith(f"{KEPT_EVENT} ")
    assert "These are the first 1: --limit shows more." in listed.stderr
    [as_json] = json_lines(dialtone.run("events", "list", "--failed", "--json").stdout)
    assert (as_json["id"], as_json["next_attempt_at"]) == (KEPT_EVENT, None)
    assert (as_json["destination"], as_json["failures"]) == (origin, 2)
    assert as_json["failure_reason"] == REASON
    shown = [dialtone.run("user", "show", user).stdout for user in (KEPT, WAITING)]
    for not_sent, failed, output in ((0, 1, shown[0]), (1, 0, shown[1])):
        assert re.search(rf"^events:\n  waiting: +{not_sent}\n  failed: +{failed}\n", output, re.M)


def test_a_retry_says_how_many_events_a_running_service_sends(dialtone: CommandLine) -> None:
    for _ in range(2):
        of_user = dialtone.run("events", "retry", WAITING)
        assert of_user.stdout == SENT_SOON
    of_all = [dialtone.run("events", "retry", *more).stdout for more in ((), ("--all",))]
    assert of_all == 2 * ["2 events of 2 users" + SENT_SOON.removeprefix("1 event of 1 user")]
    assert dialtone.run("events", "list", "--failed").stdout == "No event is kept.\n"
    listed = dialtone.run("events", "list", KEPT).stdout
    assert "failures: 0  next attempt within 30 seconds" in listed


async def test_a_test_event_shows_whether_a_destination_accepts_events(tmp_path: Path) -> None:
    send_tests: Any = SEND_TEST.flag_value
    with FakeReceiver() as receiver:
        settings = CommandLine(tmp_path, receiver.environ).settings
        [(name, send)] = send_tests(settings).items()
        await connection_checks(settings)[name]()
        assert receiver.events == []
        note = await send()
        [event] = receiver.events
        assert (event["type"], event["user_id"]) == ("dialtone.test", "0" * 24)
        assert event["id"] in note
        receiver.status = 401
        with pytest.raises(EventRejected, match="status 401"):
            await send()


def test_without_a_destination_the_missing_setting_is_named(tmp_path: Path) -> None:
    dialtone = CommandLine(tmp_path).create_database()
    actions = ["events", "list"], ["events", "retry", "--all"], ["check-settings", "--send-test"]
    for action in actions:
        ended = dialtone.run(*action)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("No events are recorded or sent, because DIALTONE_EVENTS is")
        assert "Example: DIALTONE_EVENTS=https://" in ended.stderr

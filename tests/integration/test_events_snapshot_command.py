"""`dialtone events snapshot` as an operator uses it."""

import asyncio
import shlex
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from domain.identities.user_events import EventType, UserEvents
from entrypoints.bootstrap import open_use_cases
from entrypoints.features.events import EVENT_RECORDS
from entrypoints.settings.read import read_settings
from tests.support.builders import NOW, a_phone, a_user, an_id, an_identity
from tests.support.forked_service import ForkedService
from tests.support.servers.fake_receiver import FakeReceiver
from tests.support.servers.process import wait_until
from tests.support.service import REASON, START_TIMEOUT, Service, command

USERS: Final = 40
OTHERS: Final = "https://a.example.org/x,https://b.example.org/x"


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as receiver:
        yield receiver


@pytest.fixture
def service(tmp_path: Path, receiver: FakeReceiver) -> Service:
    """A service that does not run, with three destinations."""
    destinations = f"{receiver.url}/events,{OTHERS}"
    service = ForkedService(tmp_path, {**receiver.environ, "DIALTONE_EVENTS": destinations})

    async def add_users() -> None:
        settings = read_settings(service.environ, None)
        async with open_use_cases(settings, [EVENT_RECORDS]) as use_cases:
            events = UserEvents().record(EventType.USER_CREATED, NOW)
            for number in range(1, USERS + 1):
                identity = an_identity(
                    id=an_id(number), phone=a_phone(number), user=a_user(f"user {number}")
                )
                await use_cases.repositories.identities.add(replace(identity, events=events))

    asyncio.run(add_users())
    return service


def test_a_snapshot_is_interrupted_and_continued_as_it_says(
    service: Service, receiver: FakeReceiver
) -> None:
    arguments = ["events", "snapshot", receiver.url, "--rate", "10", *REASON]
    process = subprocess.Popen(
        [command(), *arguments],
        cwd=service.folder,
        env=service.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: len(receiver.events) > 5, START_TIMEOUT)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    interrupted, to_continue = len(receiver.events), stderr.splitlines()[-2]
    assert interrupted < USERS
    shown = shlex.split(to_continue.removeprefix("To continue: "))
    assert shown[1:3] == ["events", "snapshot"]

    continued = service.run(*shown[1:])
    assert continued.returncode == 0, continued.stderr
    assert continued.stdout == (
        f"The snapshot is complete: {USERS - interrupted} users and 0 deleted ones were sent to "
        f"{receiver.url}.\n"
    )
    sent = [event["user_id"] for event in receiver.events]
    assert sorted(sent) == [an_id(number) for number in range(1, USERS + 1)]
    assert {event["last_event_id"].rpartition("_")[2] for event in receiver.events} == {
        f"{NOW.timestamp() * 1000:.0f}"
    }
    assert len({event["id"].rpartition("_")[2] for event in receiver.events}) == 1
    audit = service.run("audit").stdout
    assert audit.count("send_snapshot") == 3
    assert "snapshot_interrupted" in audit
    assert "secret" not in audit + stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c.example.org"], "This is no destination of DIALTONE_EVENTS. Name one of: http://127"),
        (["example.org"], "several destinations of DIALTONE_EVENTS. Name one of: https://a.exa"),
        (["a.example.org", "--after", "x"], "--after: This is no position that a snapshot has"),
        (["a.example.org", "--rate", "0"], "argument --rate: a whole number above 0 is expected"),
    ],
)
def test_an_invalid_argument_is_explained_and_nothing_is_sent(
    service: Service, receiver: FakeReceiver, arguments: list[str], message: str
) -> None:
    ended = service.run("events", "snapshot", *arguments, *REASON)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert receiver.events == []


def test_a_destination_that_asks_for_hours_ends_the_snapshot(
    service: Service, receiver: FakeReceiver
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "7200"}
    ended = service.run("events", "snapshot", f"{receiver.url}/events", *REASON)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"user {an_id(1)} is not accepted: status 429, and asks for 7,200" in ended.stderr
    assert "To continue: dialtone events snapshot http://127.0.0.1" in ended.stderr

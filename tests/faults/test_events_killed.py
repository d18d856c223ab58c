"""The service is killed while it sends events: nothing is lost."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from application.features.events.send_events import LEASE_PERIOD
from tests.e2e.app import App
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_receiver import FakeReceiver

CREATED, UPDATED = "user.created", "user.updated"
FAULTS: Final = [
    Fault("identities.replace", is_done=True, kill=True),
    Fault("leases.acquire", is_done=True, kill=True),
    Fault("destination.send", kill=True),
    Fault("destination.send", is_done=True, kill=True),
]


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as receiver:
        yield receiver


def phone(number: int) -> str:
    return f"+1415557{number:04d}"


async def create_and_rename(
    service: FaultyService, number: int, fault: Fault
) -> tuple[str, list[str]]:
    """Create a user, and rename it at a fault.

    Returns:
        The id of the user, and its events that must come: those of acts with a response.
    """
    async with httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
        account = await App(service, http).sign_up(phone(number))
        service.add_fault(fault)
        with suppress(httpx.TransportError):
            renaming = {"username": f"renamed {number}"}
            renamed = await http.patch("/users/me", json=renaming, headers=account.headers)
            assert renamed.is_success
            return account.user_id, [CREATED, UPDATED]
        return account.user_id, [CREATED]


async def test_no_event_is_lost_by_a_kill_and_a_repeat_is_the_same(
    tmp_path: Path, receiver: FakeReceiver
) -> None:
    expected: dict[str, list[str]] = {}
    turns = {"entrypoints.features.events.task._TURN_SECONDS": 0.5}
    with run_faulty_service(tmp_path, receiver.environ, constants=turns) as service:
        for number, fault in enumerate(FAULTS):
            user_id, types = await create_and_rename(service, number, fault)
            expected[user_id] = types
            service.wait_for(lambda: not service.is_running)
            assert not service.has_fault
            service.kill()
            # The lease of the killed process ends.
            service.advance_clock(LEASE_PERIOD)
            service.start()
        for user_id, types in expected.items():
            service.wait_for(lambda: len(receiver.types_of(user_id)) >= len(types))  # noqa: B023

    for user_id, types in expected.items():
        assert receiver.types_of(user_id)[: len(types)] == types
    contents: dict[str, set[str]] = {}
    for event in receiver.events:
        contents.setdefault(event["id"], set()).add(str(event))
    assert {len(same) for same in contents.values()} == {1}
    assert len(receiver.events) > len(contents)

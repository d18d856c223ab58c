"""The service is killed while it sends events, or a receiver hangs: nothing is lost or slowed."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from application.events.send_events import LEASE_PERIOD
from tests.e2e.app import Account, App
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_receiver import FakeReceiver

CREATED, UPDATED = "user.created", "user.updated"
FAULTS: Final = [
    Fault(operation, is_done=is_done, kill=True)
    for operation in (
        "identities.replace",
        "identities.list_with_due_events",
        "destination.send",
        "leases.acquire",
    )
    for is_done in (False, True)
]
HANGING_STEPS: Final = 3
SOON: Final = 4.0
"""Seconds; an attempt for a destination that hangs takes five."""


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[FakeReceiver]:
    with FakeReceiver() as other:
        yield other


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
    with run_faulty_service(tmp_path, receiver.environ) as service:
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


async def test_a_receiver_that_hangs_for_an_hour_slows_no_request_and_no_other(
    tmp_path: Path, receiver: FakeReceiver, other: FakeReceiver
) -> None:
    receiver.hangs = True
    urls = f"{receiver.url}/events,{other.url}/events"
    accounts: list[Account] = []
    with run_faulty_service(tmp_path, {**receiver.environ, "DIALTONE_EVENTS": urls}) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
            app = App(service, http)
            for step in range(HANGING_STEPS):
                for number in range(3):
                    started = time.monotonic()
                    accounts.append(await app.sign_up(phone(10 * step + number)))
                    assert time.monotonic() - started < SOON
                async with asyncio.timeout(SOON):
                    while len(other.events) < len(accounts):  # noqa: ASYNC110 - a thread gets them
                        await asyncio.sleep(0.05)  # between two checks
                service.advance_clock(timedelta(hours=1) / HANGING_STEPS)
            assert receiver.events == []
            assert len(receiver.requests) > 0
            receiver.hangs = False
            service.advance_clock(timedelta(hours=1))
            service.wait_for(
                lambda: all(receiver.types_of(account.user_id) for account in accounts)
            )

    assert len(other.events) == len(accounts)

"""Events by HTTP, and everything that a receiver may answer."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from adapters.hooks.events import TIMEOUTS, HttpDestination, open_http_destination
from application.features.events.ports import Event
from domain.identities.user_events import EventType
from tests.support.builders import NOW, a_phone, an_id
from tests.support.servers.fake_hook import EVENTS_SECRET as SECRET
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.timeouts import LONG

NEW_SECRET: Final = "whsec_YSBuZXdlciBzZWNyZXQgb2YgdGhlIGV2ZW50cyE="
EVENT: Final = Event(
    id=f"evt_{an_id(1)}_7",
    type=EventType.PHONE_CHANGED,
    occurred_at=NOW + timedelta(microseconds=1_234),
    user_id=an_id(1),
)


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as receiver:
        yield receiver


@pytest.fixture
async def destination(receiver: FakeReceiver) -> AsyncIterator[HttpDestination]:
    url = f"{receiver.url}/events?key=1"
    # The receiver still verifies with the former secret.
    async with open_http_destination(url, [NEW_SECRET, SECRET], timeouts=LONG) as destination:
        yield destination


async def test_an_event_is_posted_and_signed_as_documented(
    receiver: FakeReceiver, destination: HttpDestination
) -> None:
    await destination.send(EVENT)
    await destination.send(replace(EVENT, phone=a_phone().e164))

    request = receiver.requests[0]
    assert (request.method, request.path) == ("POST", "/events?key=1")
    assert request.headers["Content-Type"] == "application/json"
    event = {
        "id": EVENT.id,
        "type": "phone.changed",
        "time": "2026-05-01T09:30:00.001Z",
        "user_id": an_id(1),
    }
    assert receiver.events == [event, event | {"phone": a_phone().e164}]
    assert TIMEOUTS.total == 5

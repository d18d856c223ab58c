"""The promises of the port that takes events, with the destination over HTTP."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from standardwebhooks import Webhook

from adapters.events.http_destination import HttpDestination, open_http_destination
from application.ports.events import EventRejected
from domain.identities.user_events import EventType
from pytest_dialtone.suites.events.driver import EventsDriver
from pytest_dialtone.suites.events.test_event_destination import *
from pytest_dialtone.suites.events.test_event_destination import an_event
from tests.contract.provider_drivers import ServerDriver
from tests.support.servers.http_server import Exchange, HttpServer, respond_with
from tests.support.timeouts import LONG

SECRET = f"whsec_{'A' * 32}"


class Receiver(HttpServer):
    """Accepts the events whose signature is valid."""

    def __init__(self) -> None:
        super().__init__(self.answer)

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        headers = {name.lower(): value for name, value in request.headers.items()}
        event = Webhook(SECRET).verify(request.body, headers)
        assert event == json.loads(request.body)
        assert headers["webhook-id"] == event["id"]
        exchange.respond(204)


async def test_a_snapshot_has_its_own_fields_and_a_rejection_the_time_of_the_next_attempt() -> None:
    snapshot = replace(an_event(), type=EventType.USER_SNAPSHOT, is_blocked=False, phone=None)
    with Receiver() as receiver:
        async with open_http_destination(receiver.url, [SECRET], timeouts=LONG) as destination:
            await destination.send(snapshot)
            receiver.behavior = respond_with(429, headers={"Retry-After": "7"})
            with pytest.raises(EventRejected) as rejected:
                await destination.send(snapshot)
    assert json.loads(receiver.requests[0].body) == {
        "id": snapshot.id,
        "type": "user.snapshot",
        "time": "2026-05-01T00:00:00.000Z",
        "user_id": snapshot.user_id,
        "last_event_id": None,
        "is_blocked": False,
    }
    assert rejected.value.retry_after == 7


class HttpDriver(ServerDriver, EventsDriver):
    def __init__(self, destination: HttpDestination, receiver: Receiver) -> None:
        super().__init__(receiver, destination._transport)
        self.destination = destination

    async def received(self) -> list[str]:
        return [json.loads(request.body)["id"] for request in self.server.requests]


@pytest.fixture
async def events_driver() -> AsyncIterator[EventsDriver]:
    with Receiver() as receiver:
        async with open_http_destination(receiver.url, [SECRET], timeouts=LONG) as destination:
            yield HttpDriver(destination, receiver)

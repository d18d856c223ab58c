"""The promises of the port that takes events, with the destination over HTTP."""

import json
from collections.abc import AsyncIterator

import pytest

from adapters.hooks.events import HttpDestination, open_http_destination
from tests.contract.provider_drivers import ServerDriver
from tests.contract.suites.events.driver import EventsDriver, ReceivedEvent
from tests.contract.suites.events.test_event_destination import *
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.servers.http_server import respond_with
from tests.support.timeouts import LONG


class HttpDriver(ServerDriver, EventsDriver):
    def __init__(self, destination: HttpDestination, receiver: FakeReceiver) -> None:
        super().__init__(receiver, destination._transport)
        self.destination = destination

    refusal = staticmethod(respond_with(401))

    async def received(self) -> list[ReceivedEvent]:
        events = [json.loads(request.body) for request in self.server.requests]
        return [
            ReceivedEvent(
                each["id"], each["type"], each["time"], each["user_id"], each.get("phone", "")
            )
            for each in events
        ]


@pytest.fixture
async def events_driver() -> AsyncIterator[EventsDriver]:
    with FakeReceiver() as receiver:
        async with open_http_destination(
            receiver.url, [receiver.secret], timeouts=LONG
        ) as destination:
            yield HttpDriver(destination, receiver)

"""The promises of the port that takes events, with the destination over HTTP."""

import json
from collections.abc import AsyncIterator

import pytest

from adapters.hooks.events.http_destination import HttpDestination, open_http_destination
from tests.contract.provider_drivers import ServerDriver
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.events.test_event_destination import *
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.timeouts import LONG


class HttpDriver(ServerDriver, EventsDriver):
    def __init__(self, destination: HttpDestination, receiver: FakeReceiver) -> None:
        super().__init__(receiver, destination._transport)
        self.destination = destination

    async def received(self) -> list[str]:
        return [json.loads(request.body)["id"] for request in self.server.requests]


@pytest.fixture
async def events_driver() -> AsyncIterator[EventsDriver]:
    with FakeReceiver() as receiver:
        async with open_http_destination(
            receiver.url, [receiver.secret], timeouts=LONG
        ) as destination:
            yield HttpDriver(destination, receiver)

"""The promises of the port that takes events, with the destination over HTTP."""

import json
from collections.abc import AsyncIterator

import pytest
from standardwebhooks import Webhook

from adapters.hooks.events.http_destination import HttpDestination, open_http_destination
from tests.contract.provider_drivers import ServerDriver
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.events.test_event_destination import *
from tests.support.servers.http_server import Exchange, HttpServer
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

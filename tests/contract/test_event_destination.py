"""The promises of the port that takes events, with the destination over HTTP."""

import json
from collections.abc import AsyncIterator

import pytest
from standardwebhooks import Webhook

from adapters.events.http_destination import open_http_destination
from application.ports.events import EventDestination
from pytest_dialtone.suites.events.driver import EventsDriver
from pytest_dialtone.suites.events.test_event_destination import *
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.timeouts import LONG

SECRET = f"whsec_{'A' * 32}"


class Receiver(HttpServer):
    """Keeps the events whose signature is valid."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.ids: list[str] = []

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        headers = {name.lower(): value for name, value in request.headers.items()}
        event = Webhook(SECRET).verify(request.body, headers)
        assert event == json.loads(request.body)
        assert headers["webhook-id"] == event["id"]
        self.ids.append(event["id"])
        exchange.respond(204)


class HttpDriver(EventsDriver):
    def __init__(self, destination: EventDestination, receiver: Receiver) -> None:
        super().__init__(destination)
        self.receiver = receiver

    async def received(self) -> list[str]:
        return self.receiver.ids

    async def break_receiver(self) -> None:
        self.receiver.close()


@pytest.fixture
async def events_driver() -> AsyncIterator[EventsDriver]:
    receiver = Receiver()
    receiver.__enter__()
    try:
        async with open_http_destination(receiver.url, [SECRET], timeouts=LONG) as destination:
            yield HttpDriver(destination, receiver)
    finally:
        if not receiver.is_closing.is_set():
            receiver.close()

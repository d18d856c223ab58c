"""The backend of an app that gets events."""

from typing import Any, Final

from standardwebhooks import Webhook

from tests.support.servers.http_server import Exchange, HttpServer

SECRET: Final = "whsec_ZXZlbnRzIG9mIHVzZXJzLCBmb3IgdGVzdHM="


class FakeReceiver(HttpServer):
    """Keeps the events whose signature is valid; with another `status` it only answers with that.

    - `hangs`: it takes a request, and never responds.
    - `events` has repeats too, in the order in which they came.
    """

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.status = 204
        self.hangs = False
        self.events: list[dict[str, Any]] = []

    @property
    def environ(self) -> dict[str, str]:
        return {"DIALTONE_EVENTS": f"{self.url}/events", "DIALTONE_EVENTS_SECRET": SECRET}

    def types_of(self, user_id: str) -> list[str]:
        """Return the types of the events of a user, without repeats."""
        distinct = {
            event["id"]: event["type"] for event in self.events if event["user_id"] == user_id
        }
        return [*distinct.values()]

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        headers = {name.lower(): value for name, value in request.headers.items()}
        event = Webhook(SECRET).verify(request.body, headers)
        assert (request.method, headers["webhook-id"]) == ("POST", event["id"])
        if self.hangs:
            exchange.wait()
            return
        if 200 <= self.status < 300:
            self.events.append(event)
        exchange.respond(self.status)

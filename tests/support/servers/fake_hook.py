"""Receivers of what the service signs: a hook that gets messages, a backend that gets events."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks import Webhook

from adapters.shared.standard_webhooks import StandardWebhooks
from application.ports.webhooks import SignedRequest
from tests.support.servers.http_server import Exchange, HttpServer

SECRET: Final = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
EVENTS_SECRET: Final = "whsec_ZXZlbnRzIG9mIHVzZXJzLCBmb3IgdGVzdHM="
OTHER_SECRET: Final = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"


class SignedReceiver(HttpServer):
    """Takes JSON that is signed as Standard Webhooks say; another request gets no response.

    - `secret` is the one that it verifies with.
    - `hangs`: it takes a request, and never responds.
    """

    hangs = False

    def __init__(self, secret: str) -> None:
        super().__init__(self.respond)
        self.secret = secret

    def respond(self, exchange: Exchange) -> None:
        """Verify a request."""
        request = exchange.received
        headers = {name.lower(): value for name, value in request.headers.items()}
        message = Webhook(self.secret).verify(request.body, headers)
        assert request.method == "POST"
        if self.hangs:
            exchange.wait()
        else:
            self.take(exchange, headers["webhook-id"], message)

    def take(self, exchange: Exchange, webhook_id: str, message: dict[str, Any]) -> None:
        """Respond to what is signed."""
        raise NotImplementedError


class FakeHook(SignedReceiver):
    """Keeps the messages whose signature is valid. With an `error`, it rejects all of them."""

    error = ""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self.messages: list[dict[str, Any]] = []

    def respond(self, exchange: Exchange) -> None:
        if exchange.received.method == "POST":
            super().respond(exchange)
        else:
            exchange.respond(405)

    def take(self, exchange: Exchange, webhook_id: str, message: dict[str, Any]) -> None:
        assert webhook_id == message["message_id"]
        if self.error:
            error = {"code": self.error, "message": f"{message['phone']}: {message['text']}"}
            exchange.respond(422, json.dumps({"error": error}).encode())
            return
        self.messages.append(message)
        provider_id = f"p{len(self.messages)}"
        exchange.respond(202, json.dumps({"provider_id": provider_id}).encode())


class FakeReceiver(SignedReceiver):
    """The backend of an app that gets events; with another `status` it only answers with that.

    `events` has repeats too, in the order in which they came.
    """

    status = 204

    def __init__(self) -> None:
        super().__init__(EVENTS_SECRET)
        self.events: list[dict[str, Any]] = []

    @property
    def environ(self) -> dict[str, str]:
        return {"DIALTONE_EVENTS": f"{self.url}/events", "DIALTONE_EVENTS_SECRET": self.secret}

    def types_of(self, user_id: str) -> list[str]:
        """Return the types of the events of a user, without repeats."""
        distinct = {
            event["id"]: event["type"] for event in self.events if event["user_id"] == user_id
        }
        return [*distinct.values()]

    def take(self, exchange: Exchange, webhook_id: str, message: dict[str, Any]) -> None:
        assert webhook_id == message["id"]
        if 200 <= self.status < 300:
            self.events.append(message)
        exchange.respond(self.status)


def sign_status(
    message_id: str,
    url: str,
    body: bytes = b'{"status": "delivered"}',
    *,
    secret: str = SECRET,
    now: datetime | None = None,
) -> SignedRequest:
    """Return what a hook posts about a message."""
    webhooks = StandardWebhooks([secret])
    # A body that is no UTF-8 is signed as if it had none of the bytes that are not.
    text = body.decode(errors="ignore").encode()
    headers = webhooks.sign(message_id, text, now or datetime.now(UTC))
    return SignedRequest(url, headers, body=body)

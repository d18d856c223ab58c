"""A hook that gets messages, and posts statuses."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks import Webhook

from adapters.shared.standard_webhooks import StandardWebhooks
from application.ports.webhooks import SignedRequest
from tests.support.servers.http_server import Exchange, HttpServer

SECRET: Final = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
OTHER_SECRET: Final = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"


class FakeHook(HttpServer):
    """Keeps the messages whose signature is valid. With an `error`, it rejects all of them."""

    error = ""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.secret = SECRET
        self.messages: list[dict[str, Any]] = []

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        if request.method != "POST":
            exchange.respond(405)
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        message = Webhook(self.secret).verify(request.body, headers)
        assert headers["webhook-id"] == message["message_id"]
        if self.error:
            error = {"code": self.error, "message": f"{message['phone']}: {message['text']}"}
            exchange.respond(422, json.dumps({"error": error}).encode())
            return
        self.messages.append(message)
        provider_id = f"p{len(self.messages)}"
        exchange.respond(202, json.dumps({"provider_id": provider_id}).encode())


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

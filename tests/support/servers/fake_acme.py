"""Acme's API, and its status callbacks."""

import json
import time
from typing import Any, Final

import httpx

from tests.support.acme_sms import sign_callback
from tests.support.servers.http_server import Exchange, HttpServer

SECRET: Final = "s3cret"


class FakeAcme(HttpServer):
    """Keeps the messages that it accepts. With an `error`, it rejects all with this code."""

    error = ""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.messages: list[dict[str, str]] = []

    @property
    def environ(self) -> dict[str, str]:
        names = ("ACME_API_KEY", "ACME_SENDER", "ACME_CALLBACK_SECRET")
        return {"ACME_URL": self.url, **dict.fromkeys(names, SECRET)}

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        status, answer = 200, dict[str, Any](active=True, messages=self.messages)
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            status, answer = 401, {"error": {"code": "unauthorized"}}
        elif request.method == "POST" and self.error:
            status, answer = 422, {"error": {"code": self.error}}
        elif request.method == "POST":
            self.messages.append(json.loads(request.body))
            status, answer = 202, {"id": f"m{len(self.messages)}"}
        exchange.respond(status, json.dumps(answer).encode())

    def post_status(
        self, base_url: str, state: str, *, secret: str = SECRET, age: int = 0, error: str = ""
    ) -> int:
        """Post the status of the last message, and return the status of the response."""
        url = self.messages[-1]["callback"]
        body = json.dumps({"state": state, "error": error}).encode()
        timestamp = str(int(time.time()) - age)
        headers = {
            "Content-Type": "application/json",
            "X-Acme-Timestamp": timestamp,
            "X-Acme-Signature": sign_callback(secret, timestamp, url, body),
        }
        path = url.removeprefix("https://dialtone.example.org")
        return httpx.post(f"{base_url}{path}", content=body, headers=headers).status_code

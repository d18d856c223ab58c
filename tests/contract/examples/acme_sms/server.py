"""Acme's API."""

import json
from email.message import Message
from typing import Any, Final

from tests.contract.examples.provider_server import ProviderAnswer, ProviderServer

SECRET: Final = "s3cret"


class AcmeServer(ProviderServer):
    """Keeps the messages that it accepts."""

    def __init__(self) -> None:
        """Begin without messages."""
        super().__init__()
        self.messages: list[dict[str, str]] = []

    @property
    def environ(self) -> dict[str, str]:
        names = ("ACME_API_KEY", "ACME_SENDER", "ACME_CALLBACK_SECRET")
        return {"ACME_URL": self.url, **dict.fromkeys(names, SECRET)}

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> ProviderAnswer:
        status, answer = 200, dict[str, Any](active=True, messages=self.messages)
        if headers.get("Authorization") != f"Bearer {SECRET}":
            status, answer = 401, {"error": {"code": "unauthorized"}}
        elif method == "POST" and self.error:
            status, answer = 422, {"error": {"code": self.error}}
        elif method == "POST":
            self.messages.append(json.loads(body))
            status, answer = 202, {"id": f"m{len(self.messages)}"}
        return ProviderAnswer(status, json.dumps(answer).encode())

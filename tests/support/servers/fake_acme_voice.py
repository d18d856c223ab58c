"""Acme's API of calls and recordings."""

import json
from base64 import b64encode
from typing import Any, Final

from tests.support.servers.http_server import Exchange, HttpServer

KEY: Final = "s3cret"
NUMBER: Final = "+14155550006"


class FakeAcmeVoice(HttpServer):
    """Keeps calls and recordings. With an `error`, it rejects all calls with this code."""

    error = ""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.calls: list[dict[str, str]] = []
        self.recordings: dict[str, bytes] = {}

    @property
    def environ(self) -> dict[str, str]:
        return {
            "ACME_VOICE_URL": self.url,
            "ACME_VOICE_KEY": KEY,
            "ACME_VOICE_NUMBER": NUMBER,
            "ACME_VOICE_SECRET": KEY,
        }

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        credentials = b64encode(f"acme:{KEY}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {credentials}":
            self._respond(exchange, 401, error="unauthorized")
            return
        _, _, kind, *rest = request.path.split("/")
        match request.method, kind:
            case "GET", "account":
                self._respond(exchange, 200, active=True)
            case "GET", "calls":
                placed = [(call["to"], call["url"], call["status_url"]) for call in self.calls]
                self._respond(exchange, 200, placed=placed)
            case "POST", "calls" if self.error:
                self._respond(exchange, 422, error=self.error)
            case "POST", "calls":
                self.calls.append(json.loads(request.body))
                self._respond(exchange, 202, id=f"c{len(self.calls)}")
            case "POST", "recordings":
                recording_id = f"r{len(self.recordings)}"
                self.recordings[recording_id] = request.body
                self._respond(exchange, 201, id=recording_id)
            case method, "recordings":
                self._answer_recording(exchange, method, rest[0])

    def _answer_recording(self, exchange: Exchange, method: str, recording_id: str) -> None:
        content = self.recordings.get(recording_id)
        if content is None:
            self._respond(exchange, 404, error="not_found")
        elif method == "DELETE":
            del self.recordings[recording_id]
            exchange.respond(204)
        else:
            exchange.respond(200, content, {"Content-Type": "audio/mpeg"})

    def _respond(self, exchange: Exchange, status: int, **answer: Any) -> None:
        exchange.respond(status, json.dumps(answer).encode())

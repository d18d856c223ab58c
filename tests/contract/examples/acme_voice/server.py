"""Acme's API of calls and recordings."""

import json
from base64 import b64encode
from email.message import Message
from typing import Any, Final

from tests.contract.examples.provider_server import ProviderAnswer, ProviderServer

KEY: Final = "s3cret"
NUMBER: Final = "+14155550006"


class AcmeVoiceServer(ProviderServer):
    """Keeps calls and recordings."""

    def __init__(self) -> None:
        """Begin without calls and recordings."""
        super().__init__()
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

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> ProviderAnswer:
        credentials = b64encode(f"acme:{KEY}".encode()).decode()
        if headers.get("Authorization") != f"Basic {credentials}":
            return _respond(401, error="unauthorized")
        _, _, kind, *rest = path.split("/")
        match method, kind:
            case "GET", "account":
                return _respond(200, active=True)
            case "GET", "calls":
                placed = [(call["to"], call["url"], call["status_url"]) for call in self.calls]
                return _respond(200, placed=placed)
            case "POST", "calls" if self.error:
                return _respond(422, error=self.error)
            case "POST", "calls":
                self.calls.append(json.loads(body))
                return _respond(202, id=f"c{len(self.calls)}")
            case "POST", "recordings":
                recording_id = f"r{len(self.recordings)}"
                self.recordings[recording_id] = body
                return _respond(201, id=recording_id)
            case _, "recordings":
                return self._answer_recording(method, rest[0])
        return _respond(404, error="not_found")

    def _answer_recording(self, method: str, recording_id: str) -> ProviderAnswer:
        content = self.recordings.get(recording_id)
        if content is None:
            return _respond(404, error="not_found")
        if method == "DELETE":
            del self.recordings[recording_id]
            return ProviderAnswer(204)
        return ProviderAnswer(200, content, "audio/mpeg")


def _respond(status: int, **answer: Any) -> ProviderAnswer:
    return ProviderAnswer(status, json.dumps(answer).encode())

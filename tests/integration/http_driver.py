"""The HTTP application in this process, over fakes, driven message by message."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from structlog.testing import capture_logs

from tests.support.app_harness import AppHarness
from tests.support.asgi import http_scope
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.http_app import return_app, take_app
from tests.support.http_settings import AppSettings


@dataclass(frozen=True, slots=True)
class Response:
    """The status and the JSON body of a response."""

    status: int
    body: dict[str, Any]


class HttpDriver:
    """Sends requests one after another, in an event loop of its own."""

    def __init__(self, runner: asyncio.Runner, app: Any, harness: AppHarness) -> None:
        self.harness = harness
        self._runner = runner
        self._app = app

    def token(self) -> str:
        """Return the access token of a new session."""
        return self._runner.run(self.harness.access_token())

    def administrator_token(self) -> str:
        """Return the access token of an administrator who has just logged in."""
        administrator = self._runner.run(self.harness.add_administrator(a_phone(9)))
        assert administrator.identity.is_administrator
        return self._runner.run(self.harness.access_token(a_phone(9)))

    def get(self, path: str, query: bytes, token: str) -> Response:
        """Send a GET request."""
        return self.send("GET", path, [], {"authorization": f"Bearer {token}"}, query=query)

    def post_json(self, path: str, body: Any, token: str = "", method: str = "POST") -> Response:
        """Send a JSON body in one chunk."""
        content = json.dumps(body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(content))}
        if token:
            headers["authorization"] = f"Bearer {token}"
        return self.send(method, path, [content], headers)

    def send(
        self,
        method: str,
        path: str,
        chunks: Sequence[bytes],
        headers: Mapping[str, str],
        *,
        query: bytes = b"",
        disconnects: bool = False,
    ) -> Response:
        """Send a body in these chunks; with `disconnects`, close the connection before its end."""
        messages = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ] + [{"type": "http.request", "body": b"", "more_body": False}] * (not disconnects)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        all_headers = {"host": "test", **headers}.items()
        scope = {
            **http_scope(*all_headers, method=method, path=path, peer=CLIENT_IP),
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
            "query_string": query,
            "server": ("test", 80),
        }
        with capture_logs() as logs:
            self._runner.run(self._app(scope, receive, send))
        assert [line for line in logs if line["event"] == "request_crashed"] == []
        start, *parts = sent
        is_json = dict(start["headers"]).get(b"content-type") == b"application/json"
        content = b"".join(part["body"] for part in parts)
        return Response(start["status"], json.loads(content) if is_json else {})


@contextmanager
def open_http_driver(
    settings: AppSettings, harness: AppHarness | None = None
) -> Iterator[HttpDriver]:
    """Run the application until the end of the block."""
    harness = harness or AppHarness()
    app = take_app(settings)
    with asyncio.Runner() as runner:
        running = runner.run(app.start(harness.use_cases))
        yield HttpDriver(runner, app.asgi, harness)
        runner.run(app.stop(running))
    return_app(app)

"""The HTTP application in this process, over fakes, driven message by message."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from structlog.testing import capture_logs

from application.use_cases import UseCases
from entrypoints.http.app import create_app
from entrypoints.http.dependencies import HttpSettings
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP


@dataclass(frozen=True, slots=True)
class Response:
    """The status and the JSON body of a response."""

    status: int
    body: dict[str, Any]


class HttpDriver:
    """Sends requests one after another, in its own event loop."""

    def __init__(self, runner: asyncio.Runner, settings: HttpSettings) -> None:
        self.house = AppHarness()
        self._runner = runner
        self._app = create_app(self._open_use_cases, settings)
        self._lifespan_input: asyncio.Queue[Any] = asyncio.Queue()
        self._lifespan_output: asyncio.Queue[str] = asyncio.Queue()
        runner.run(self._start())

    def token(self) -> str:
        """Return the access token of a new session."""
        return self._runner.run(self.house.access_token())

    def post(
        self,
        path: str,
        chunks: Sequence[bytes],
        headers: Mapping[str, str],
        *,
        disconnects: bool = False,
    ) -> Response:
        """Send a body in these chunks; with `disconnects`, close the connection before its end."""
        return self._runner.run(self._request("POST", path, b"", chunks, headers, disconnects))

    def get(self, path: str, query: bytes, token: str) -> Response:
        """Send a GET request."""
        headers = {"authorization": f"Bearer {token}"}
        return self._runner.run(self._request("GET", path, query, [], headers, disconnects=False))

    def post_json(self, path: str, body: Any, token: str | None = None) -> Response:
        """Send a JSON body in one chunk."""
        return self._send_json("POST", path, body, token)

    def patch_json(self, path: str, body: Any, token: str) -> Response:
        """Send a JSON body with PATCH."""
        return self._send_json("PATCH", path, body, token)

    def close(self) -> None:
        """Shut the application down."""
        self._runner.run(self._stop())

    def _send_json(self, method: str, path: str, body: Any, token: str | None) -> Response:
        content = json.dumps(body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(content))}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self._runner.run(
            self._request(method, path, b"", [content], headers, disconnects=False)
        )

    @asynccontextmanager
    async def _open_use_cases(self) -> AsyncIterator[UseCases]:
        yield self.house.use_cases

    async def _start(self) -> None:
        self._lifespan = asyncio.create_task(
            self._app(
                {"type": "lifespan", "state": {}}, self._lifespan_input.get, self._send_lifespan
            )
        )
        await self._lifespan_input.put({"type": "lifespan.startup"})
        assert await self._lifespan_output.get() == "lifespan.startup.complete"

    async def _stop(self) -> None:
        await self._lifespan_input.put({"type": "lifespan.shutdown"})
        assert await self._lifespan_output.get() == "lifespan.shutdown.complete"
        await self._lifespan

    async def _send_lifespan(self, message: Any) -> None:
        await self._lifespan_output.put(message["type"])

    async def _request(
        self,
        method: str,
        path: str,
        query: bytes,
        chunks: Sequence[bytes],
        headers: Mapping[str, str],
        disconnects: bool,
    ) -> Response:
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        if not disconnects:
            messages.append({"type": "http.request", "body": b"", "more_body": False})
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        with capture_logs() as logs:
            await self._app(_scope(method, path, query, headers), receive, send)
        assert [line for line in logs if line["event"] == "request_crashed"] == []
        start, *parts = sent
        body = json.loads(b"".join(part["body"] for part in parts) or b"{}")
        assert isinstance(body, dict)
        return Response(start["status"], body)


@contextmanager
def open_http_driver(settings: HttpSettings) -> Iterator[HttpDriver]:
    """Run the application until the end of the block."""
    with asyncio.Runner() as runner:
        driver = HttpDriver(runner, settings)
        yield driver
        driver.close()


def _scope(method: str, path: str, query: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in {"host": "test", **headers}.items()
        ],
        "client": (CLIENT_IP, 1),
        "server": ("test", 80),
    }

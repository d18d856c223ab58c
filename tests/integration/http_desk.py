"""The whole HTTP side in this process, over fakes, fed message by message."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from structlog.testing import capture_logs

from application.use_cases import UseCases
from entrypoints.http.app import create_app
from entrypoints.http.http_settings import HttpSettings
from tests.support.builders import ADDRESS
from tests.unit.application.wiring import House


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    told: dict[str, Any]


class HttpDesk:
    """Answers requests one after another, in a loop of its own."""

    def __init__(self, runner: asyncio.Runner, settings: HttpSettings) -> None:
        self.house = House()
        self._runner = runner
        self._app = create_app(self._opened, settings)
        self._steps: asyncio.Queue[Any] = asyncio.Queue()
        self._done: asyncio.Queue[str] = asyncio.Queue()
        runner.run(self._start())

    def token(self) -> str:
        """The token of a new session."""
        return self._runner.run(self.house.token())

    def post(
        self,
        path: str,
        chunks: Sequence[bytes],
        headers: Mapping[str, str],
        *,
        goes_away: bool = False,
    ) -> Answer:
        """Send a body, cut as it is here; who goes away does so before its end."""
        return self._runner.run(self._answered("POST", path, b"", chunks, headers, goes_away))

    def get(self, path: str, query: bytes, token: str) -> Answer:
        """Ask for what is there."""
        headers = {"authorization": f"Bearer {token}"}
        return self._runner.run(self._answered("GET", path, query, [], headers, goes_away=False))

    def post_json(self, path: str, body: Any, token: str | None = None) -> Answer:
        """Send a JSON body, in one piece."""
        content = json.dumps(body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(content))}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self.post(path, [content], headers)

    def close(self) -> None:
        """End the application as a server does."""
        self._runner.run(self._stop())

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[UseCases]:
        yield self.house.use_cases

    async def _start(self) -> None:
        self._life = asyncio.create_task(
            self._app({"type": "lifespan", "state": {}}, self._steps.get, self._heard)
        )
        await self._steps.put({"type": "lifespan.startup"})
        assert await self._done.get() == "lifespan.startup.complete"

    async def _stop(self) -> None:
        await self._steps.put({"type": "lifespan.shutdown"})
        assert await self._done.get() == "lifespan.shutdown.complete"
        await self._life

    async def _heard(self, message: Any) -> None:
        await self._done.put(message["type"])

    async def _answered(
        self,
        method: str,
        path: str,
        query: bytes,
        chunks: Sequence[bytes],
        headers: Mapping[str, str],
        goes_away: bool,
    ) -> Answer:
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        if not goes_away:
            messages.append({"type": "http.request", "body": b"", "more_body": False})
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        with capture_logs() as logs:
            await self._app(_scope(method, path, query, headers), receive, send)
        assert [one for one in logs if one["event"] == "unhandled_exception"] == []
        start, *parts = sent
        told = json.loads(b"".join(part["body"] for part in parts))
        assert isinstance(told, dict)
        return Answer(start["status"], told)


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
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ],
        "client": (ADDRESS, 1),
        "server": ("test", 80),
    }

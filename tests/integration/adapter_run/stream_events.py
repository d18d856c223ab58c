"""A destination of events that keeps its promises, over a protocol with a handshake.

As with a Redis stream, a connection says hello and logs in before it sends anything.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final

from application.features.events.send_events import Event, EventRejected

_SECONDS: Final = 0.5
_PASSWORD: Final = "stream-password"


class StreamServer:
    """Answers each line of a connection. Its state is about all lines, also the first one."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.state = "well"
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections: list[asyncio.Task[None]] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of its own."""
        self._connections.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        is_known = False
        with suppress(ConnectionError):
            while (line := await reader.readline()) and self.state != "away":
                command, _, argument = line.decode().strip().partition(" ")
                is_known |= (command, argument) == ("AUTH", _PASSWORD)
                if command == "XADD" and is_known and self.state != "refuses":
                    self.entries.append(json.loads(argument))
                if self.state == "drops":
                    break
                if self.state != "silent":
                    is_right = command == "HELLO" or is_known
                    writer.write(b"+OK\n" if is_right and self.state == "well" else b"-ERR\n")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._writers.discard(writer)

    def close_connections(self) -> None:
        """Close all connections."""
        for writer in self._writers:
            writer.close()

    async def wait_closed(self) -> None:
        """Wait until all connections are closed."""
        await asyncio.gather(*self._connections)


class StreamEvents:
    """Send each event over one connection, which is opened again after an error."""

    def __init__(self, server: StreamServer, port: int) -> None:
        self._server = server
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._lock = asyncio.Lock()

    async def send(self, event: Event) -> None:
        entry = {
            "id": event.id,
            "type": event.type,
            "at": event.occurred_at.isoformat(),
            "user": event.user_id,
            "phone": event.phone,
        }
        async with self._lock:
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._connect()
                    await self._call(f"XADD {json.dumps(entry)}")
            except (OSError, TimeoutError) as error:
                self.close()
                raise EventRejected("the stream did not take it", type(error).__name__) from None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def _connect(self) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            await self._call("HELLO 3")
            await self._call(f"AUTH {_PASSWORD}")

    async def _call(self, command: str) -> None:
        assert self._streams is not None
        reader, writer = self._streams
        writer.write(f"{command}\n".encode())
        await writer.drain()
        if await reader.readline() != b"+OK\n":
            raise ConnectionError

    # The following methods are for the contract tests.

    def received(self) -> list[tuple[str, str, datetime, str, str | None]]:
        return [
            (
                entry["id"],
                entry["type"],
                datetime.fromisoformat(entry["at"]),
                entry["user"],
                entry["phone"],
            )
            for entry in self._server.entries
        ]

    def provider_is(self, state: str) -> None:
        self._server.state = state
        if state in ("away", "well"):
            self._server.close_connections()

    def fail_provider(self, status: int) -> None:
        self._server.state = f"status {status}"


@asynccontextmanager
async def open_stream_events(*, environ: Mapping[str, str]) -> AsyncIterator[StreamEvents]:
    server = StreamServer()
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    async with listener:
        events = StreamEvents(server, listener.sockets[0].getsockname()[1])
        yield events
        events.close()
        server.close_connections()
        await server.wait_closed()

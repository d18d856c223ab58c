"""A relay in front of a server: by it an adapter breaks its connection to the server, for tests.

An adapter that connects to the relay instead of the server gets its methods `break_provider`,
`hang_provider` and `mend_provider` from it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

_CHUNK_BYTES: Final = 65_536


class Relay:
    """Forwards the TCP connections of one instance of an adapter to its server.

    It has no TLS of its own: a client that checks the name of the server has to check another one.

    Attributes:
        port: Its port, on 127.0.0.1.
    """

    port = 0

    def __init__(self, host: str, port: int) -> None:
        """Set the address of the server."""
        self._server = host, port
        self._is_broken = False
        self._answers: int | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def add_methods(self, adapter: object) -> None:
        """Give an adapter the three methods by which the suites break and mend its provider."""
        for method in (self.break_provider, self.hang_provider, self.mend_provider):
            setattr(adapter, method.__name__, method)

    def break_provider(self) -> None:
        """Close all connections, and new ones at once."""
        self._is_broken = True
        self.close_connections()

    def hang_provider(self, answers: int = 0) -> None:
        """Forward what the adapter sends, and drop each answer of the server after so many."""
        self._answers = answers

    def mend_provider(self) -> None:
        """Forward new connections again. Those that missed an answer are closed."""
        self._is_broken, self._answers = False, None
        self.close_connections()

    def close_connections(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.transport.abort()

    async def close(self) -> None:
        """Close all connections, and return when nothing is left of them."""
        self.break_provider()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection until one of the two sides closes it."""
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        opened = {writer}
        try:
            if not self._is_broken:
                await self._forward_all(reader, writer, opened)
        finally:
            self._connections -= opened
            for connection in opened:
                connection.transport.abort()

    async def _forward_all(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opened: set[asyncio.StreamWriter],
    ) -> None:
        with suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection(*self._server)
            opened.add(server_writer)
            self._connections |= opened
            await _await_first(
                _forward(reader, server_writer.write, server_writer.drain),
                _forward(server_reader, partial(self._answer, writer), writer.drain),
            )

    def _answer(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self._answers is not None:
            if self._answers <= 0:
                return
            self._answers -= 1
        writer.write(data)


async def _forward(
    reader: asyncio.StreamReader,
    write: Callable[[bytes], None],
    drain: Callable[[], Awaitable[None]],
) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            write(data)
            await drain()


async def _await_first(*calls: Awaitable[None]) -> None:
    """Return when one of the calls has ended, and cancel the others."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_relay(host: str, port: int) -> AsyncIterator[Relay]:
    """Open a relay to a server, until the block ends."""
    relay = Relay(host, port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.close()

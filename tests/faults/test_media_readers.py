"""Clients that stop reading a media file, or leave, take nothing from anybody else."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from entrypoints.http.streaming import SEND_TIMEOUT_SECONDS
from tests.e2e.app import App
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.images import animated_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

FILE_SIZE: Final = 12_000_000
"""More than all buffers between service and client."""
READERS: Final = 100


@contextmanager
def hold_readers(port: int, path: str, token: str) -> Iterator[list[socket.socket]]:
    """Clients that request the file and read nothing, until the end of the block."""
    with ExitStack() as stack:
        clients = []
        for number in range(READERS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            head = f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.{number}\r\n"
            client.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
            clients.append(client)
        yield clients


def count_open_files(service: Service) -> int:
    """Return how many media files the service has open."""
    count = 0
    for pid in (service.pid, *service.workers):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                count += link.resolve().is_relative_to(service.folder / "media")
    return count


async def wait_until(
    condition: Callable[[], bool], seconds: float = SEND_TIMEOUT_SECONDS / 3
) -> None:
    """Wait until the service has seen that clients left, much shorter than the time limit."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.05)  # between two checks of the condition


def receive_all(client: socket.socket) -> int:
    """Read until the server closes the connection; return the number of bytes."""
    received = 0
    with suppress(ConnectionResetError):
        while data := client.recv(65_536):
            received += len(data)
    return received


async def test_readers_of_a_disk_hold_descriptors_until_they_leave_or_are_disconnected(
    tmp_path: Path,
) -> None:
    with running(tmp_path, BEHIND_A_PROXY) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60, **PLAIN_HTTP) as http:
            app = App(service, http)
            account = await app.sign_up("+14155550101")
            path = urlsplit((await app.upload_item(account, animated_gif()))["url"]).path
        (tmp_path / path.removeprefix("/")).write_bytes(bytes(FILE_SIZE))

        def open_files() -> int:
            return count_open_files(service)

        with hold_readers(service.port, path, account.token):
            await wait_until(lambda: open_files() >= READERS)
        await wait_until(lambda: open_files() == 0)

        with hold_readers(service.port, path, account.token) as clients:
            await wait_until(lambda: open_files() >= READERS)
            await wait_until(lambda: open_files() == 0, SEND_TIMEOUT_SECONDS + 5)
            clients[0].settimeout(10)
            received = await asyncio.to_thread(receive_all, clients[0])
        assert 0 < received < FILE_SIZE
        assert '"event":"media_reader_stalled"' in service.log
        assert '"path":"/media/{folder}/{name}"' in service.log
        assert '"level":"error"' not in service.log

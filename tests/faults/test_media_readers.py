"""Clients that stop reading a media file, or leave, take nothing from anybody else."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from adapters.s3.client import MAX_READS
from entrypoints.http.streaming import MAX_READS_PER_IP, SEND_TIMEOUT_SECONDS
from tests.e2e.app import Account, App
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.images import animated_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3 import S3Server
from tests.support.service import Service, running

FILE_SIZE: Final = 12_000_000
"""More than all buffers between service and client."""
READERS: Final = 100
MAX_UPLOAD_SECONDS: Final = 3.0
MAX_READ_SECONDS: Final = 3.0


@dataclass
class Setup:
    """A service with one large media file."""

    service: Service
    app: App
    account: Account
    path: str
    folder: Path

    @contextmanager
    def readers(self, count: int, ips: int) -> Iterator[list[socket.socket]]:
        """Clients that request the file and read nothing, until the end of the block."""
        with ExitStack() as stack:
            clients = []
            for number in range(count):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", self.service.port))
                client.sendall(self._request(f"198.51.100.{number % ips}"))
                clients.append(client)
            yield clients

    def _request(self, client_ip: str) -> bytes:
        return (
            f"GET {self.path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client_ip}\r\n"
            f"Authorization: Bearer {self.account.token}\r\n\r\n"
        ).encode()

    async def upload(self) -> tuple[int, float]:
        """Upload an image; return the status and how many seconds it took."""
        started = time.monotonic()
        response = await self.app.upload(self.account, animated_gif())
        return response.status_code, time.monotonic() - started

    async def read(self, client_ip: str) -> tuple[int, float]:
        """Read the file; return the status and how many seconds it took."""
        started = time.monotonic()
        headers = {**self.account.headers, "X-Forwarded-For": client_ip}
        response = await self.app.http.get(self.path, headers=headers)
        assert len(response.content) == FILE_SIZE
        return response.status_code, time.monotonic() - started

    def open_files(self) -> int:
        """Return how many files of the media folder the service's processes have open."""
        pids = [self.service.pid, *self.service.workers]
        return sum(
            link.resolve().is_relative_to(self.folder / "media")
            for pid in pids
            for link in Path(f"/proc/{pid}/fd").iterdir()
        )

    def s3_connections(self, port: int) -> int:
        """Return how many connections to the S3 server the service's processes have."""
        pids = [self.service.pid, *self.service.workers]
        sockets = set()
        for pid in pids:
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    sockets.add(str(link.readlink()))
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(
            f"socket:[{row[9]}]" in sockets and int(row[2].split(":")[1], 16) == port
            for row in rows
        )


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


@pytest.fixture
async def on_s3(s3_server: S3Server, tmp_path: Path) -> AsyncIterator[Setup]:
    media = {"DIALTONE_MEDIA": f"s3://{s3_server.bucket}/{tmp_path.name}", **s3_server.environ()}
    with running(tmp_path, {**media, **BEHIND_A_PROXY}) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60, **PLAIN_HTTP) as http:
            app = App(service, http)
            account = await app.sign_up("+14155550101")
            item = await app.upload_item(account, animated_gif())
            key = "/".join(Path(urlsplit(item["url"]).path).parts[-2:])
            s3_server.client.put_object(
                Bucket=s3_server.bucket, Key=f"{tmp_path.name}/{key}", Body=bytes(FILE_SIZE)
            )
            yield Setup(service, app, account, f"/media/{key}", tmp_path)


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[Setup]:
    with running(tmp_path, BEHIND_A_PROXY) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60, **PLAIN_HTTP) as http:
            app = App(service, http)
            account = await app.sign_up("+14155550101")
            item = await app.upload_item(account, animated_gif())
            path = urlsplit(item["url"]).path
            (tmp_path / path.removeprefix("/")).write_bytes(bytes(FILE_SIZE))
            yield Setup(service, app, account, path, tmp_path)


async def test_readers_of_s3_delay_nobody_and_hold_connections_until_the_time_limit_only(
    on_s3: Setup, s3_server: S3Server
) -> None:
    port = urlsplit(s3_server.endpoint).port or 0
    for ips in (1, READERS):
        with on_s3.readers(READERS, ips):
            await wait_until(lambda: on_s3.s3_connections(port) >= MAX_READS_PER_IP / 2)
            uploads = [await on_s3.upload() for _ in range(5)]
            # The first one is behind the same IP as a reader.
            reads = [await on_s3.read(f"198.51.100.{number}") for number in (0, 200)]
            ready = await on_s3.app.http.get("/health/ready")
            assert MAX_READS_PER_IP / 2 <= on_s3.s3_connections(port) <= MAX_READS + 4
            if ips > 1:
                await wait_until(lambda: on_s3.s3_connections(port) <= 2, SEND_TIMEOUT_SECONDS + 5)
        assert [status for status, _ in (*uploads, *reads)] == [201] * 5 + [200] * 2
        assert max(seconds for _, seconds in uploads) < MAX_UPLOAD_SECONDS
        assert max(seconds for _, seconds in reads) < MAX_READ_SECONDS
        assert (ready.status_code, ready.json()["media"]) == (200, "ok")
        # Readers that leave free their connections at once.
        await wait_until(lambda: on_s3.s3_connections(port) <= 2)


async def test_readers_of_a_disk_hold_descriptors_until_they_leave_or_are_disconnected(
    on_disk: Setup,
) -> None:
    with on_disk.readers(READERS, ips=READERS):
        await wait_until(lambda: on_disk.open_files() >= READERS)
    await wait_until(lambda: on_disk.open_files() == 0)

    with on_disk.readers(READERS, ips=READERS) as clients:
        await wait_until(lambda: on_disk.open_files() >= READERS)
        await wait_until(lambda: on_disk.open_files() == 0, SEND_TIMEOUT_SECONDS + 5)
        clients[0].settimeout(10)
        received = await asyncio.to_thread(receive_all, clients[0])
    assert 0 < received < FILE_SIZE
    assert '"event":"media_reader_stalled"' in on_disk.service.log
    assert '"path":"/media/{folder}/{name}"' in on_disk.service.log
    assert '"level":"error"' not in on_disk.service.log

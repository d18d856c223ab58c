"""Clients that stop reading a media file, or leave, take nothing from anybody else."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.client import sign_up, upload_item
from tests.support.held_connections import connect
from tests.support.images import animated_gif

FILE_SIZE: Final = 12_000_000
"""More than all buffers between service and client."""
SEND_TIMEOUT: Final = 3.0
CONSTANTS: Final = {"entrypoints.http.responses.streaming.SEND_TIMEOUT_SECONDS": SEND_TIMEOUT}
"""A shorter time limit than that of the service."""
CLIENTS: Final = 50


class Readers:
    """Clients that request one public file and read nothing."""

    def __init__(self, service: FaultyService, path: str) -> None:
        self.service = service
        self._path = path

    def wait_until_closed(self) -> None:
        self.service.wait_for(lambda: self.count_open_files() == 0)

    @contextmanager
    def hold(self) -> Iterator[list[socket.socket]]:
        """Hold clients that have a file open each, until the end of the block."""
        with ExitStack() as stack:
            clients = []
            for number in range(CLIENTS):
                client = stack.enter_context(connect(self.service.port))
                ip = f"198.51.100.{number}"
                head = f"GET {self._path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {ip}\r\n\r\n"
                client.sendall(head.encode())
                clients.append(client)
            self.service.wait_for(lambda: self.count_open_files() >= CLIENTS)
            yield clients

    def count_open_files(self) -> int:
        """Return how many media files the service has open."""
        count, media = 0, (self.service.folder / "media").resolve()
        for pid in (self.service.pid, *self.service.workers):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    count += link.readlink().is_relative_to(media)
        return count


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[Readers]:
    with run_faulty_service(tmp_path, BEHIND_A_PROXY, constants=CONSTANTS) as service:
        account = sign_up(service, "+14155550101")
        path = urlsplit(upload_item(service, account, animated_gif())["url"]).path
        (tmp_path / path.removeprefix("/")).write_bytes(bytes(FILE_SIZE))
        yield Readers(service, path)


def receive_all(client: socket.socket) -> int:
    """Read until the server closes the connection; return the number of bytes."""
    received = 0
    with suppress(ConnectionResetError):
        while data := client.recv(65_536):
            received += len(data)
    return received


def test_readers_of_a_disk_hold_descriptors_until_they_leave_or_are_disconnected(
    readers: Readers,
) -> None:
    service = readers.service
    began_at = time.monotonic()
    with readers.hold():
        pass
    readers.wait_until_closed()
    if time.monotonic() - began_at < SEND_TIMEOUT:
        assert "media_reader_stalled" not in service.log

    with readers.hold() as clients:
        readers.wait_until_closed()
        assert 0 < receive_all(clients[0]) < FILE_SIZE
    assert '"event":"media_reader_stalled"' in service.log
    assert '"path":"/media/{folder}/{name}"' in service.log
    assert '"level":"error"' not in service.log

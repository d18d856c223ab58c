"""Clients that stop reading a media file, or leave, take nothing from anybody else."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from application.limits.file_reads import MAX_READS_PER_IP
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.test_upload_floods import worker_memory
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.client import sign_up, upload_item
from tests.support.held_connections import connect
from tests.support.images import animated_gif

FILE_SIZE: Final = 12_000_000
"""More than all buffers between service and client."""
SEND_TIMEOUT: Final = 3.0
PERMIT_TIMEOUT: Final = 1.0
CONSTANTS: Final = {
    "entrypoints.http.responses.streaming.SEND_TIMEOUT_SECONDS": SEND_TIMEOUT,
    "application.limits.file_reads.PERMIT_TIMEOUT_SECONDS": PERMIT_TIMEOUT,
    "application.limits.file_reads.STALL_SECONDS": PERMIT_TIMEOUT / 2,
}
"""Shorter time limits than those of the service."""
CLIENTS: Final = 50
"""At a time. The next ones reuse the memory that these have while they are connected."""
ROUNDS: Final = 2
FILL_SECONDS: Final = 0.2
"""Until the buffers are full, so that a chunk waits for its client."""
MAX_GROWTH_MB: Final = 5
"""In one round. One chunk of 64 KB of each reader that leaves is more."""


class Readers:
    """Clients that request one public file and read nothing."""

    def __init__(self, service: FaultyService, path: str) -> None:
        self.service = service
        self._path = path

    def abort(self) -> None:
        """Leave while the file is being sent."""
        for _ in range(2):
            with self.hold(CLIENTS):
                # Nobody reports full buffers.
                time.sleep(FILL_SECONDS)
            self.wait_until_closed()

    def lose_permits(self) -> None:
        """Stop. Readers behind the same IP lose their permits to others."""
        with self.hold(2 * MAX_READS_PER_IP, "203.0.113.1", MAX_READS_PER_IP):
            time.sleep(PERMIT_TIMEOUT)  # later ones get no permit
        self.wait_until_closed()

    def stop(self) -> None:
        """Stop until the time limit of one chunk has passed."""
        with self.hold(CLIENTS):
            self.wait_until_closed()

    def wait_until_closed(self) -> None:
        self.service.wait_for(lambda: self.count_open_files() == 0)

    @contextmanager
    def hold(
        self, count: int, client_ip: str = "", opened: int | None = None
    ) -> Iterator[list[socket.socket]]:
        """Hold so many clients until the end of the block, after so many have a file open."""
        with ExitStack() as stack:
            clients = []
            for number in range(count):
                client = stack.enter_context(connect(self.service.port))
                ip = client_ip or f"198.51.100.{number}"
                head = f"GET {self._path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {ip}\r\n\r\n"
                client.sendall(head.encode())
                clients.append(client)
            self.service.wait_for(lambda: self.count_open_files() >= (opened or count))
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
    with readers.hold(CLIENTS):
        pass
    readers.wait_until_closed()
    if time.monotonic() - began_at < SEND_TIMEOUT:
        assert "media_reader_stalled" not in service.log

    with readers.hold(CLIENTS) as clients:
        readers.wait_until_closed()
        assert 0 < receive_all(clients[0]) < FILE_SIZE
    assert '"event":"media_reader_stalled"' in service.log
    assert '"path":"/media/{folder}/{name}"' in service.log
    assert '"level":"error"' not in service.log


@pytest.mark.timeout(300)
def test_readers_that_leave_or_stop_take_no_memory_that_stays(readers: Readers) -> None:
    memory = []
    for _ in range(1 + ROUNDS):
        readers.abort()
        readers.lose_permits()
        readers.stop()
        memory.append(worker_memory(readers.service)["VmRSS"])
    # More connections at a time than ever before need more memory once. What is lost is lost
    # in each round.
    assert min(after - before for before, after in pairwise(memory)) <= MAX_GROWTH_MB, memory

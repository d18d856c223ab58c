"""Clients that stop reading a media file, or leave, take nothing from anybody else."""

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.faults.faulty_service import run_faulty_service
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


def receive_all(client: socket.socket) -> int:
    """Read until the server closes the connection; return the number of bytes."""
    received = 0
    with suppress(ConnectionResetError):
        while data := client.recv(65_536):
            received += len(data)
    return received


def test_readers_of_a_disk_hold_descriptors_until_they_leave_or_are_disconnected(
    tmp_path: Path,
) -> None:
    with run_faulty_service(tmp_path, BEHIND_A_PROXY, constants=CONSTANTS) as service:
        account = sign_up(service, "+14155550101")
        path = urlsplit(upload_item(service, account, animated_gif())["url"]).path
        (tmp_path / path.removeprefix("/")).write_bytes(bytes(FILE_SIZE))
        media = (service.folder / "media").resolve()

        def count_open_files() -> int:
            count = 0
            for pid in (service.pid, *service.workers):
                for link in Path(f"/proc/{pid}/fd").iterdir():
                    with suppress(FileNotFoundError):  # closed meanwhile
                        count += link.readlink().is_relative_to(media)
            return count

        def hold(stack: ExitStack) -> list[socket.socket]:
            """Request the public file by clients that read nothing."""
            clients = [stack.enter_context(connect(service.port)) for _ in range(CLIENTS)]
            for number, client in enumerate(clients):
                ip = f"198.51.100.{number}"
                head = f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {ip}\r\n\r\n"
                client.sendall(head.encode())
            service.wait_for(lambda: count_open_files() >= CLIENTS)
            return clients

        began_at = time.monotonic()
        with ExitStack() as stack:
            hold(stack)
        service.wait_for(lambda: count_open_files() == 0)
        if time.monotonic() - began_at < SEND_TIMEOUT:
            assert "media_reader_stalled" not in service.log

        with ExitStack() as stack:
            clients = hold(stack)
            service.wait_for(lambda: count_open_files() == 0)
            assert 0 < receive_all(clients[0]) < FILE_SIZE
        assert '"event":"media_reader_stalled"' in service.log
        assert '"path":"/media/{folder}/{name}"' in service.log
        assert '"level":"error"' not in service.log

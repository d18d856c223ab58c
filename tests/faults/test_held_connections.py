"""Connections that clients hold, also while they should read a file: the service closes all."""

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.faults.faulty_service import run_faulty_service
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.client import sign_up, upload_item
from tests.support.held_connections import (
    HEALTH,
    UNFINISHED_BODY,
    UNFINISHED_HEAD,
    connect,
    hold,
    request_latency,
)
from tests.support.images import animated_gif

CONNECTIONS: Final = 300
"""Connections of each kind; all kinds together are more than 1,024."""
CONSTANTS: Final = {
    "entrypoints.http.requests.deadlines.IDLE_SECONDS": 3.0,
    "entrypoints.http.requests.deadlines.PERIOD_SECONDS": 6.0,
    "entrypoints.server.serve._HEADER_TIMEOUT_MILLISECONDS": 4_000,
}
"""Shorter time limits than those of the service."""
TRICKLE_SECONDS: Final = 1.0
"""Less than the maximum time without a byte."""
CLOSE_TIMEOUT: Final = 60.0
"""The longest deadline is 9 s; the rest is for a busy machine."""


def test_others_are_served_while_connections_are_held_and_all_are_closed(tmp_path: Path) -> None:
    with (
        run_faulty_service(tmp_path, constants=CONSTANTS) as service,
        hold(service.port, CONNECTIONS, UNFINISHED_BODY) as bodies,
        hold(service.port, CONNECTIONS, HEALTH) as idle,
        hold(service.port, CONNECTIONS, UNFINISHED_HEAD) as heads,
        hold(service.port, CONNECTIONS, b"") as silent,
        hold(service.port, 20, UNFINISHED_BODY) as trickling,
    ):
        latencies = []
        deadline = time.monotonic() + CLOSE_TIMEOUT
        sent_at = time.monotonic()
        kinds = (bodies, idle, heads, silent, trickling)
        while any(held.open for held in kinds) and time.monotonic() < deadline:
            latencies.append(request_latency(service.port))
            if time.monotonic() - sent_at >= TRICKLE_SECONDS:
                trickling.on_each(lambda connection: connection.send(b" "))
                sent_at = time.monotonic()
            # Others send a request from time to time.
            time.sleep(0.1)
        assert [held.open for held in kinds] == [0, 0, 0, 0, 0]
    # Half of them: the machine may be busy, and the first ones wait for the load of the start.
    assert sorted(latencies)[len(latencies) // 2] < 1
    assert "Traceback" not in service.log


# Clients that stop reading a media file, or leave

FILE_SIZE: Final = 12_000_000
"""More than all buffers between service and client."""
SEND_TIMEOUT: Final = 3.0
"""A shorter time limit than that of the service."""
READERS: Final = 50


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
    limit = {"entrypoints.http.responses.streaming.SEND_TIMEOUT_SECONDS": SEND_TIMEOUT}
    with run_faulty_service(tmp_path, BEHIND_A_PROXY, constants=limit) as service:
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

        def hold_files(stack: ExitStack) -> list[socket.socket]:
            """Request the public file by clients that read nothing."""
            clients = [stack.enter_context(connect(service.port)) for _ in range(READERS)]
            for number, client in enumerate(clients):
                ip = f"198.51.100.{number}"
                head = f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {ip}\r\n\r\n"
                client.sendall(head.encode())
            service.wait_for(lambda: count_open_files() >= READERS)
            return clients

        began_at = time.monotonic()
        with ExitStack() as stack:
            hold_files(stack)
        service.wait_for(lambda: count_open_files() == 0)
        if time.monotonic() - began_at < SEND_TIMEOUT:
            assert "media_reader_stalled" not in service.log

        with ExitStack() as stack:
            clients = hold_files(stack)
            service.wait_for(lambda: count_open_files() == 0)
            assert 0 < receive_all(clients[0]) < FILE_SIZE
        assert '"event":"media_reader_stalled"' in service.log
        assert '"path":"/media/{folder}/{name}"' in service.log
        assert '"level":"error"' not in service.log

"""Readers that leave or stop take no memory that stays."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from application.limits.file_reads import MAX_READS_PER_IP, SLOT_TIMEOUT_SECONDS
from entrypoints.http.streaming import SEND_TIMEOUT_SECONDS
from tests.e2e.app import App
from tests.faults.test_media_readers import count_open_files
from tests.faults.test_upload_floods import worker_memory
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.held_connections import connect
from tests.support.images import animated_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

FILE_SIZE: Final = 5_000_000
CLIENTS: Final = 50
"""At a time. The next ones reuse the memory that these have while they are connected."""
ABORTED_READS: Final = 2_400
LOST_SLOTS: Final = 600
STOPPED_READERS: Final = 100
FILL_SECONDS: Final = 0.2
"""Until the buffers are full, so that a chunk waits for its client."""
MAX_GROWTH_MB: Final = 30


class Readers:
    """Clients that request one public file and read nothing."""

    def __init__(self, service: Service, path: str) -> None:
        self._service = service
        self._path = path

    def abort(self, count: int) -> None:
        """Leave while the file is being sent."""
        for _ in range(0, count, CLIENTS):
            with self._hold(CLIENTS):
                self._service.wait_for(lambda: count_open_files(self._service) >= CLIENTS)
                # Nobody reports full buffers.
                time.sleep(FILL_SECONDS)
            self._wait_until_files_are_closed()

    def lose_slots(self, count: int) -> None:
        """Stop. Readers behind the same IP lose their slots to others."""
        target = self._count_stalled() + count
        while self._count_stalled() < target:
            with self._hold(2 * MAX_READS_PER_IP, "203.0.113.1"):
                time.sleep(SLOT_TIMEOUT_SECONDS)  # later ones get no slot
            self._wait_until_files_are_closed()

    def stop(self, count: int) -> None:
        """Stop until the time limit of one chunk has passed."""
        target = self._count_stalled() + count
        while self._count_stalled() < target:
            with self._hold(CLIENTS):
                # None of the files is closed earlier.
                time.sleep(SEND_TIMEOUT_SECONDS)
                self._wait_until_files_are_closed()

    @contextmanager
    def _hold(self, count: int, client_ip: str = "") -> Iterator[None]:
        with ExitStack() as stack:
            for number in range(count):
                client = stack.enter_context(connect(self._service.port))
                ip = client_ip or f"198.51.100.{number}"
                head = f"GET {self._path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {ip}\r\n\r\n"
                client.sendall(head.encode())
            yield

    def _count_stalled(self) -> int:
        return self._service.log.count('"media_reader_stalled"')

    def _wait_until_files_are_closed(self) -> None:
        self._service.wait_for(lambda: count_open_files(self._service) == 0)


@pytest.mark.timeout(300)
async def test_readers_that_leave_or_stop_take_no_memory_that_stays(tmp_path: Path) -> None:
    with running(tmp_path, BEHIND_A_PROXY) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60, **PLAIN_HTTP) as http:
            app = App(service, http)
            account = await app.sign_up("+14155550101")
            path = urlsplit((await app.upload_item(account, animated_gif()))["url"]).path
        (tmp_path / path.removeprefix("/")).write_bytes(bytes(FILE_SIZE))
        readers = Readers(service, path)
        # From here on the worker has the memory for the most connections at a time.
        readers.lose_slots(1)
        memory = [worker_memory(service)["VmRSS"]]
        for action, count in (
            (readers.abort, ABORTED_READS),
            (readers.lose_slots, LOST_SLOTS),
            (readers.stop, STOPPED_READERS),
        ):
            action(count)
            memory.append(worker_memory(service)["VmRSS"])
        assert max(memory) - memory[0] <= MAX_GROWTH_MB, memory

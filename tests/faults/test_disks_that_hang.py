"""Workers on a disk that does not respond, and workers that are stopped by a signal."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from entrypoints.server.watchdog import END_TICKS, TICK_SECONDS
from tests.faults.faulty_service import run_faulty_service
from tests.faults.fuse_disk import FuseDisk
from tests.support.client import me, sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import wait_until
from tests.support.service import Service

ESTABLISHED: Final = "01"
"""The state of a connection, as the kernel lists it."""
LIMIT_SECONDS: Final = 3 * END_TICKS * TICK_SECONDS
"""For what takes END_TICKS, on a slow machine too."""


@contextmanager
def connections_to_all(service: Service) -> Iterator[Mapping[int, httpx.Client]]:
    """Yield a connection to each worker, by its process id."""
    clients: dict[int, httpx.Client] = {}
    with ExitStack() as stack:
        while clients.keys() != set(service.workers):
            # A client that does not keep its connection gets one to another worker.
            limits = httpx.Limits(keepalive_expiry=None)
            client = httpx.Client(
                base_url=service.url, timeout=LIMIT_SECONDS, limits=limits, **PLAIN_HTTP
            )
            stack.callback(client.close)
            stream = client.get("/health/live").extensions["network_stream"]
            _, port = stream.get_extra_info("client_addr")
            if clients.setdefault(find_worker(service, port), client) is not client:
                client.close()
        yield clients


def find_worker(service: Service, client_port: int) -> int:
    """Return the process id of the worker that has the connection of a client."""
    ends = [f"0100007F:{service.port:04X}", f"0100007F:{client_port:04X}", ESTABLISHED]
    rows = map(str.split, Path("/proc/net/tcp").read_text().splitlines())
    # A row may be there twice, and one of an earlier connection from the same port.
    (inode,) = {row[9] for row in rows if row[1:4] == ends}
    name = f"socket:[{inode}]"
    (worker,) = (pid for pid in service.workers if name in list_open_files(pid))
    return worker


def list_open_files(process_id: int) -> list[str]:
    names = []
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed
            names.append(str(descriptor.readlink()))
    return names


def find_line(service: Service, event: str) -> Mapping[str, Any] | None:
    lines = map(json.loads, service.log.splitlines())
    return next((line for line in lines if line["event"] == event), None)


def wait_for_line(service: Service, event: str) -> Mapping[str, Any]:
    wait_until(lambda: find_line(service, event) is not None, LIMIT_SECONDS, lambda: service.log)
    line = find_line(service, event)
    assert line is not None
    return line


@pytest.mark.timeout(300)
def test_a_worker_whose_disk_hangs_ends_and_others_go_on(tmp_path: Path) -> None:
    with FuseDisk(tmp_path / "disk") as disk, ThreadPoolExecutor(1) as threads:
        environ = {
            "DIALTONE_DATABASE": f"sqlite:///{disk.mount}/dialtone.db",
            "DIALTONE_WORKERS": "2",
        }
        service = Service(tmp_path / "service", environ, program=disk.program())
        try:
            service.start()
            token = sign_in(service, "+14155590001")
            headers = {"Authorization": f"Bearer {token}"}
            with connections_to_all(service) as connections:
                (first, hanging), (second, responding) = connections.items()
                # Its write makes the other one read the file again.
                sign_in(service, "+14155590002")
                disk.stop_for(first)
                request = threads.submit(hanging.get, "/users/me", headers=headers)

                blocked = wait_for_line(service, "event_loop_blocked")
                assert " DatabaseFile.read_row" in blocked["call"]
                assert blocked["task"] == "batch_identities"
                assert (blocked["level"], blocked["seconds"]) == ("warning", 5)

                while request.running():
                    assert responding.get("/users/me", headers=headers).status_code == 404
                    # The service closes idle connections after some seconds.
                    time.sleep(1)
                ended = wait_for_line(service, "worker_ended")
                assert (ended["level"], ended["seconds"]) == ("critical", 30)
                assert isinstance(request.exception(LIMIT_SECONDS), httpx.TransportError)
                assert responding.get("/users/me", headers=headers).status_code == 404

            service.wait_for(lambda: len({*service.workers} - {first}) == 2)
            assert second in service.workers
            with connections_to_all(service) as connections:
                for connection in connections.values():
                    assert connection.get("/users/me", headers=headers).status_code == 404
        finally:
            service.kill()


def test_a_worker_that_was_stopped_for_longer_goes_on(tmp_path: Path) -> None:
    seconds = 4.0
    constants = {
        "entrypoints.server.watchdog.TICK_SECONDS": seconds / END_TICKS,
        "entrypoints.server.watchdog._REPORT_SECONDS": 0.1,
    }
    with run_faulty_service(tmp_path, constants=constants) as service:
        token = sign_in(service, "+14155590001")
        (worker,) = service.workers
        os.kill(worker, signal.SIGSTOP)
        # The promise is about this time.
        time.sleep(1.5 * seconds)
        os.kill(worker, signal.SIGCONT)

        assert me(service, token) == 404
        assert service.workers == [worker]
        assert find_line(service, "worker_ended") is None

"""Starts of the service, errors that stop one, crashed workers, and requests that break off."""

import json
import os
import signal
import socket
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from entrypoints.parts.version import UNKNOWN, find_commit, installed_version
from tests.support.client import me, sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import START_TIMEOUT, ForkedService, Service, running

INCOMPLETE_JSON: Final = (
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    b'Content-Length: 100\r\n\r\n{"phone": "',
)


def test_a_service_starts_again_with_its_data_after_a_stop_and_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "0123.png").touch()  # a file of a database that was lost
    service = Service(tmp_path).start()
    service.wait_until_logged("service_started")
    token = sign_in(service, "+14155590001")
    assert service.stop() == 0
    service.start()
    assert me(service, token) == 404
    # A kill may lose the latest lines.
    service.wait_until_logged("service_started")
    service.kill()
    service.start()
    assert me(service, token) == 404
    service.wait_until_logged("service_started")
    assert service.stop() == 0

    own = [
        line
        for line in service.lines
        if line["event"] != "http_request" and line["logger"] != "dialtone.security"
    ]
    events = [line["event"] for line in own]
    stopped = ["service_stopping", "service_stopped"]
    started = ["service_listens", "service_started"]
    found = ["database_created", "database_found_empty"]
    assert sorted(events[:4]) == sorted(found + started)
    assert events[4:] == [*stopped, *started, *(started + stopped)]
    listens = next(line for line in own if line["event"] == "service_listens")
    for part in (service.url, f"{service.url}/docs", "shown below", "media", "dialtone.db"):
        assert any(part in str(value) for value in listens.values()), part
    start = next(line for line in own if line["event"] == "service_started")
    assert start["version"] == installed_version()
    assert start["commit"] == find_commit() != UNKNOWN
    assert (start["bind"], start["workers"]) == (f"127.0.0.1:{service.port}", 1)
    assert start["database"] == f"sqlite:///{tmp_path}/dialtone.db"


def test_while_it_opens_nothing_is_accepted_and_an_interrupt_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import asyncio\nfrom contextlib import asynccontextmanager\n"
        "@asynccontextmanager\nasync def opened(*, environ):\n"
        "    print('opening', flush=True)\n    await asyncio.sleep(60)\n    yield None\n"
    )
    service = ForkedService(tmp_path, {"DIALTONE_MEDIA": "slow:opened"})
    service.launch()
    service.wait_for(lambda: "opening" in service.shown)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.url}/health/live", **PLAIN_HTTP)

    assert service.end(signal.SIGINT) == 130
    created, *others = service.log.splitlines()
    assert json.loads(created)["event"] == "database_created"
    assert others == ["Interrupted."]


def test_a_new_worker_waits_for_the_lock_of_the_database(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        token = sign_in(service, "+14155591001")
        with closing(sqlite3.connect(tmp_path / "dialtone.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            os.kill(service.workers[0], signal.SIGKILL)
            service.wait_until_logged("worker_start_waits")
        service.wait_until_ready()
        assert me(service, token) == 404
    assert service.errors == ["Unexpected exit from worker-1"]


def test_workers_that_crash_again_and_again_stop_the_service(tmp_path: Path) -> None:
    service = ForkedService(tmp_path).start()
    deadline = time.monotonic() + START_TIMEOUT
    while service.is_running and time.monotonic() < deadline:
        for pid in service.workers:
            os.kill(pid, signal.SIGKILL)
        # There is no event for a respawned worker.
        time.sleep(0.05)
    assert not service.is_running
    assert service.stop() == 1


def test_a_new_worker_that_cannot_start_stops_the_service_and_logs_the_reason(
    tmp_path: Path,
) -> None:
    (tmp_path / "once.py").write_text(
        "from contextlib import asynccontextmanager\nfrom pathlib import Path\n"
        "from application.ports.errors import ConfigurationError\n"
        "class Messenger:\n    async def send(self, phone, message): ...\n"
        "@asynccontextmanager\nasync def opened(*, environ):\n"
        "    if Path('once').exists():\n"
        "        raise ConfigurationError('The account is locked: unlock it.')\n"
        "    Path('once').touch()\n    yield Messenger()\n"
    )
    service = ForkedService(
        tmp_path, {"DIALTONE_SMS": "once:opened", "DIALTONE_COUNTRIES": "US"}
    ).start()
    os.kill(service.workers[0], signal.SIGKILL)

    assert service.wait() == 1
    reasons = [line["reason"] for line in service.lines if line["event"] == "worker_start_failed"]
    assert reasons == ["DIALTONE_SMS: The account is locked: unlock it."]
    assert "Traceback" not in service.log


def test_an_incomplete_json_body_is_a_bad_request(tmp_path: Path) -> None:
    head = b"POST /auth/request-otp HTTP/1.1\r\nHost: dialtone\r\n"
    with running(tmp_path) as service:
        for rest in INCOMPLETE_JSON:
            address, response = ("127.0.0.1", service.port), b""
            # A server that rejects the head may close the connection before the body.
            with (
                socket.create_connection(address, timeout=20) as connection,
                suppress(ConnectionError),
            ):
                connection.sendall(head + rest)
                connection.shutdown(socket.SHUT_WR)
                while received := connection.recv(65_536):
                    response += received
            # The server itself may close the connection without a response.
            assert response == b"" or response.startswith(b"HTTP/1.1 400 ")
    for text in ("request_crashed", "InternalError", "Traceback"):
        assert text not in service.log

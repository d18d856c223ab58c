"""How the service stops: not ready, then drained, then closed; and at once if asked twice."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support import held_connections
from tests.support.client import me, sign_in
from tests.support.held_connections import HEALTH, LARGE_RESPONSE, hold
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

Connect = Callable[..., socket.socket]

UNFINISHED: Final = (
    b"POST /auth/request-otp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
)
CLOSE_SECONDS: Final = 10.0
"""What may be added to each time limit, on a slow machine too. Other limits are longer."""


@contextmanager
def started(folder: Path, **environ: str) -> Iterator[Service]:
    # The default drain timeout, unless a test has one of its own.
    service = Service(folder, {"DIALTONE_DRAIN_TIMEOUT": "", **environ}).start(process_group=0)
    service.wait_until_logged("service_started")
    try:
        yield service
    finally:
        service.kill()


def ready(service: Service) -> httpx.Response:
    return httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP)


def seconds_until_end(service: Service, since: float) -> float:
    assert service.wait() == 0
    return time.monotonic() - since


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def connect_to(service: Service, sent: bytes = b"") -> socket.socket:
            connection = stack.enter_context(held_connections.connect(service.port))
            connection.sendall(sent)
            return connection

        yield connect_to


def wait_until_received(connection: socket.socket) -> None:
    """Wait until the service asks for the body: it has the request then."""
    assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")


def receive_all(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_in_the_stop_delay_only_readiness_fails(tmp_path: Path, connect: Connect) -> None:
    with started(tmp_path, DIALTONE_STOP_DELAY="6s", DIALTONE_WORKERS="2") as service:
        service.wait_until_ready("ready")
        token = sign_in(service, "+14155591001")
        kept = connect(service, HEALTH)
        assert b"connection: close" not in kept.recv(65536).lower()
        # As some managers do it: to the workers too.
        os.killpg(service.pid, signal.SIGTERM)
        stopped_at = time.monotonic()
        service.wait_until_logged("service_stopping")

        # One of the workers answers each of them.
        for _ in range(10):
            assert ready(service).status_code == 503
        # The disk of this machine may have little space. A part has half a second to answer.
        all_ok = dict.fromkeys(("keys", "database", "media", "messages", "disk"), "ok")
        expected = {"status": "stopping", **all_ok}
        service.wait_for(lambda: ready(service).json() | {"disk": "ok"} == expected)
        assert me(service, token) == 404
        assert me(service, sign_in(service, "+14155591002")) == 404
        kept.sendall(HEALTH)
        assert b"connection: close" in receive_all(kept).lower()
        assert 6 <= seconds_until_end(service, stopped_at) < 6 + CLOSE_SECONDS
        assert service.errors == []


def test_after_the_stop_delay_nothing_new_is_accepted(tmp_path: Path, connect: Connect) -> None:
    with started(tmp_path, DIALTONE_STOP_DELAY="1s") as service:
        unfinished = connect(service, UNFINISHED)
        idle = connect(service, HEALTH)
        idle.recv(65536)
        wait_until_received(unfinished)
        os.kill(service.pid, signal.SIGTERM)

        assert receive_all(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(service)
        unfinished.sendall(b'{"a": 1 }')
        assert receive_all(unfinished).startswith(b"HTTP/1.1 400")
        assert service.wait() == 0


def test_a_request_that_takes_longer_than_the_drain_timeout_is_closed(
    tmp_path: Path, connect: Connect
) -> None:
    with (
        started(tmp_path, DIALTONE_DRAIN_TIMEOUT="1s", DIALTONE_WORKERS="2") as service,
        hold(service.port, 20, LARGE_RESPONSE),
    ):
        unfinished = connect(service, UNFINISHED)
        wait_until_received(unfinished)
        stopped_at = time.monotonic()
        os.kill(service.pid, signal.SIGTERM)

        assert 1 <= seconds_until_end(service, stopped_at) < 1 + CLOSE_SECONDS
        with suppress(ConnectionResetError):
            assert receive_all(unfinished) == b""
        assert service.errors == []


def test_a_worker_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with started(tmp_path, DIALTONE_DRAIN_TIMEOUT="1s", DIALTONE_WORKERS="2") as service:
        os.kill(service.workers[0], signal.SIGSTOP)
        stopped_at = time.monotonic()
        os.kill(service.pid, signal.SIGTERM)

        assert 1 <= seconds_until_end(service, stopped_at) < 1 + CLOSE_SECONDS
        assert "workers_killed" in service.log
        assert service.errors == []


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once_and_so_does_ctrl_c(
    tmp_path: Path, connect: Connect, last: signal.Signals
) -> None:
    with started(tmp_path, DIALTONE_STOP_DELAY="60s", DIALTONE_WORKERS="2") as service:
        if last is signal.SIGTERM:
            wait_until_received(connect(service, UNFINISHED))
            os.kill(service.pid, signal.SIGTERM)
            service.wait_until_logged("service_stopping")
        stopped_at = time.monotonic()
        send = os.kill if last is signal.SIGTERM else os.killpg  # as a terminal does
        send(service.pid, last)

        assert seconds_until_end(service, stopped_at) < CLOSE_SECONDS
        assert service.errors == []

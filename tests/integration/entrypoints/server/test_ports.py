"""The ports of the service: who has them, and what the one of metrics does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest, make_wsgi_app
from structlog.testing import capture_logs

from entrypoints.server import metrics_server
from entrypoints.server.metrics_server import serve_metrics
from entrypoints.server.run import reserve_bind
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Bind
from tests.support.servers.process import free_ports
from tests.support.waiting import wait_until

# The reservation of the bind address


def test_an_address_is_reserved_once_and_again_after_the_end() -> None:
    bind = Bind("127.0.0.1", free_ports(1)[0])
    for _ in range(2):
        with reserve_bind(bind):
            with pytest.raises(StartupError, match=r"in use.*DIALTONE_BIND"), reserve_bind(bind):
                pass
            with reserve_bind(Bind(bind.host, free_ports(1)[0])):
                pass


def test_the_error_names_the_setting_of_the_address() -> None:
    bind = Bind("127.0.0.1", free_ports(1)[0])
    variable = "DIALTONE_METRICS_BIND"
    with (
        pytest.raises(StartupError, match=r"DIALTONE_BIND.*no-such-host\.invalid.* Example: "),
        reserve_bind(Bind("no-such-host.invalid", 8000)),
    ):
        pass
    with (
        reserve_bind(bind),
        pytest.raises(StartupError, match=rf"{variable}. Example: {variable}="),
        reserve_bind(bind, variable),
    ):
        pass


# The port of metrics

REGISTRY = CollectorRegistry()
Counter("x", "It is counted.", registry=REGISTRY)
METRICS = make_wsgi_app(REGISTRY)
CHOICES = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}
GET = b"GET /metrics HTTP/1.1\r\n\r\n"


def render_much(_environ: Any, start_response: Any) -> list[bytes]:
    """Return more than the kernel takes for a client."""
    start_response("200 OK", [])
    return [bytes(32 * 1024 * 1024)]


@pytest.fixture
def logs(capfd: pytest.CaptureFixture[str]) -> Iterator[list[Any]]:
    """The lines of the log. Nothing else is printed."""
    with capture_logs() as logs:
        yield logs
    assert capfd.readouterr() == ("", "")


@contextmanager
def served(render: Any = METRICS, host: str = "127.0.0.1") -> Iterator[Bind]:
    bind = Bind(host, free_ports(1)[0])
    with serve_metrics(bind, render):
        yield bind


def ask(bind: Bind, method: str, path: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(bind.host, bind.port, timeout=10)
    connection.request(method, path, headers=CHOICES)
    response = connection.getresponse()
    return response, response.read()


def connect(bind: Bind, data: bytes = b"") -> socket.socket:
    client = socket.create_connection((bind.host, bind.port), timeout=10)
    client.sendall(data)
    return client


def read_all(client: socket.socket) -> int:
    """Return how many bytes come until the connection is closed."""
    received = 0
    with client, suppress(ConnectionError):
        while chunk := client.recv(1024 * 1024):
            received += len(chunk)
    return received


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_no_client_chooses_format_compression_or_metrics(host: str) -> None:
    with served(host=host) as bind:
        (got, body), (head, no_body) = (
            ask(bind, "GET", "/metrics?name[]=y"),
            ask(bind, "HEAD", "/metrics"),
        )
    assert body == generate_latest(REGISTRY)
    assert no_body == b""
    for response in (got, head):
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert response.headers["Content-Length"] == str(len(body))


async def test_a_client_that_sends_or_reads_slowly_is_shut_down_and_logged(
    monkeypatch: pytest.MonkeyPatch, logs: list[Any]
) -> None:
    monkeypatch.setattr(metrics_server, "_CONNECTION_TIMEOUT", 0.2)
    with served(render_much) as bind:
        reading, silent, dripping = connect(bind, GET), connect(bind), connect(bind)

        def drip() -> bool:
            with suppress(ConnectionError):
                dripping.sendall(b"G")
            return len(logs) == 3

        await wait_until(drip)
        assert 0 < read_all(reading) < 32 * 1024 * 1024
        assert (read_all(silent), read_all(dripping)) == (0, 0)
    assert {line["event"] for line in logs} == {"metrics_not_sent"}


def test_a_ninth_connection_is_closed_at_once_and_open_ones_do_not_delay_the_end() -> None:
    with served() as bind:
        clients = [connect(bind) for _ in range(8)]
        assert read_all(connect(bind)) == 0
        clients.pop().close()
        while not read_all(connect(bind, GET)):
            pass
    for client in clients:
        client.close()

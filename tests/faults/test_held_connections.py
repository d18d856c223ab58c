"""Connections that clients hold: others are served, and the service closes all of them."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import pytest

from tests.support.held_connections import (
    HEALTH,
    LARGE_RESPONSE,
    UNFINISHED_BODY,
    UNFINISHED_HEAD,
    hold,
    request_latency,
)
from tests.support.service import Service, running

CONNECTIONS: Final = 400
"""Of each kind; all of them together are more than 1,024."""
TRICKLE_SECONDS: Final = 2.0
"""Less than the maximum time without a byte."""
CLOSE_TIMEOUT: Final = 60.0
"""The longest deadline is 45 s; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("held")
    with running(folder) as service:
        yield service


def test_others_are_served_while_connections_are_held_and_all_are_closed(service: Service) -> None:
    with (
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
    assert sorted(latencies)[len(latencies) // 2] < 0.1
    assert "Traceback" not in service.log


def read_slowly_and_use_an_idle_connection(service: Service) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", service.port), timeout=20) as idle,
        socket.create_connection(("127.0.0.1", service.port), timeout=20) as reader,
    ):
        idle.sendall(request)
        idle.recv(65_536)
        reader.sendall(LARGE_RESPONSE)
        received = 0
        for _ in range(24):
            received += len(reader.recv(50_000))
            # A slow network.
            time.sleep(0.5)
        idle.sendall(request)
        assert idle.recv(65_536).startswith(b"HTTP/1.1 200 ")
        while received < 1_000_000:
            received += len(reader.recv(65_536))


def test_slow_clients_are_served_and_a_body_that_stops_gets_an_error(service: Service) -> None:
    with ExitStack() as stack:
        connections = []
        for path in ("/auth/request-otp", "/authenticate/get_otp"):
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", service.port), timeout=20)
            )
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
            connections.append(connection)
        # As long as the service waits for the bodies.
        read_slowly_and_use_an_idle_connection(service)
        responses = [b"".join(iter(partial(one.recv, 65_536), b"")) for one in connections]
    bodies, request_ids = [], set()
    for response in responses:
        head_text, _, body = response.decode().partition("\r\n\r\n")
        status_line, *header_lines = head_text.lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in header_lines)
        assert status_line.startswith("http/1.1 408 ")
        assert headers["connection"] == "close"
        request_ids.add(headers["x-request-id"])
        bodies.append(json.loads(body))
    assert bodies[0]["code"] == "request_timeout"
    assert bodies[1]["exit_code"] == 4
    assert bodies[1]["error"].startswith("Bad Request/ Data format incorrect 408 Request Timeout: ")

    # The lines of other requests may be written late.
    def lines() -> list[dict[str, Any]]:
        logged = map(json.loads, service.log.splitlines())
        return [line for line in logged if line.get("request_id") in request_ids]

    service.wait_for(lambda: len(lines()) >= len(bodies))
    assert [(line["event"], line["status"]) for line in lines()] == [("http_request", 408)] * 2
    assert all(line["level"] == "info" for line in lines())

"""A request has exactly one Host header; sent on raw connections, because clients add it."""

import json
import socket
from typing import Any

import pytest

from tests.support.service import Service


def exchange(service: Service, *lines: str) -> tuple[int, Any]:
    request = "\r\n".join([*lines, "Connection: close", "", ""])
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = response.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize("hosts", [(), ("a", "b"), ("u@a",)], ids=repr)
def test_a_request_without_exactly_one_valid_host_is_a_400(
    service: Service, hosts: tuple[str, ...]
) -> None:
    headers = [f"Host: {host}" for host in hosts]
    for version in ("HTTP/1.1", "HTTP/1.0"):
        status, body = exchange(service, f"GET /health/live {version}", *headers)
        assert (status, body["code"]) == (400, "invalid_host")


@pytest.mark.parametrize("target", ["/health/live", "http://other.example.org/health/live"])
def test_one_host_is_enough(service: Service, target: str) -> None:
    status, body = exchange(service, f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{service.port}")
    assert (status, body) == (200, {"status": "ok"})

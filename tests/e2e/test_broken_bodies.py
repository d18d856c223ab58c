"""Bodies that break off, or lie about themselves, on the wire."""

import socket

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

PATHS = ["/auth/request-otp", "/authenticate/get_otp"]

BROKEN = {
    "no chunk size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunk too long": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    "chunk cut off": b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "shorter than said": b'Content-Length: 100\r\n\r\n{"phone": "',
}


def answered(service: Service, path: str, rest: bytes) -> bytes:
    """What comes back when the client stops sending after this."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as build_use_cases:
        build_use_cases.sendall(f"POST {path} HTTP/1.1\r\nHost: dialtone\r\n".encode() + rest)
        build_use_cases.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: build_use_cases.recv(65_536), b""))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("rest", list(BROKEN.values()), ids=list(BROKEN))
def test_a_body_that_breaks_off_is_a_bad_one_and_no_failure_of_ours(
    service: Service, path: str, rest: bytes
) -> None:
    answer = answered(service, path, rest)
    # Where the server itself gives the connection up nothing comes; a failure never does.
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert "unhandled_exception" not in service.log
    assert "Unforeseen" not in service.log


def test_who_goes_away_in_the_middle_leaves_no_error_in_the_log(service: Service) -> None:
    for path in PATHS:
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as build_use_cases:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            build_use_cases.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"
            build_use_cases.sendall(head.encode())
    # Whoever comes next is answered, and by then what was to be logged is.
    assert httpx.get(f"{service.url}/health/live", **PLAIN_HTTP).status_code == 200
    assert '"level": "error"' not in service.log

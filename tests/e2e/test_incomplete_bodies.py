"""Bodies that end too early, on a real socket."""

import socket
from contextlib import suppress
from typing import Final

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

JSON_PATHS: Final = ["/auth/request-otp", "/authenticate/get_otp"]
INCOMPLETE_JSON: Final = {
    "chunk too long": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    "incomplete chunk": b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "shorter than announced": b'Content-Length: 100\r\n\r\n{"phone": "',
}
RESET_ON_CLOSE: Final = b"\x01\x00\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("rest", INCOMPLETE_JSON.values(), ids=INCOMPLETE_JSON)
def test_an_incomplete_json_body_is_a_bad_request(service: Service, rest: bytes) -> None:
    head = b"POST /auth/request-otp HTTP/1.1\r\nHost: dialtone\r\n"
    address, response = ("127.0.0.1", service.port), b""
    # A server that rejects the head may close the connection before the body.
    with socket.create_connection(address, timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(head + rest)
        connection.shutdown(socket.SHUT_WR)
        while received := connection.recv(65_536):
            response += received
    # The server itself may close the connection without a response.
    assert response == b"" or response.startswith(b"HTTP/1.1 400 ")
    for text in ("request_crashed", "InternalError", "Traceback"):
        assert text not in service.log


def test_a_client_that_disconnects_leaves_no_error_in_the_log(service: Service) -> None:
    for path in JSON_PATHS:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            connection.sendall(head.encode())
    # The next response comes after everything that was to be logged.
    assert httpx.get(f"{service.url}/health/live", **PLAIN_HTTP).status_code == 200
    assert '"level":"error"' not in service.log

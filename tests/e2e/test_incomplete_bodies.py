"""Bodies that end too early, on a real socket."""

import socket
from contextlib import suppress
from typing import Final

import pytest

from tests.support.service import Service

INCOMPLETE_JSON: Final = {
    "chunk too long": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    "incomplete chunk": b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "shorter than announced": b'Content-Length: 100\r\n\r\n{"phone": "',
}


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

"""Uploads that break off, or lie about themselves, on the wire."""

import socket
from contextlib import suppress
from typing import Final

import httpx
import pytest

from tests.e2e.app import Account, App
from tests.images import transparent_png
from tests.support.service import Service

BOUNDARY: Final = "a-boundary"
END: Final = f"\r\n--{BOUNDARY}--\r\n".encode()
RESET: Final = b"\x01\x00\x00\x00\x00\x00\x00\x00"


@pytest.fixture
async def account(app: App, phone: str) -> Account:
    return await app.join(phone)


def form(account: Account) -> bytes:
    fields = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n'
    file = (
        f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    )
    return (fields + account.user_id + file).encode() + transparent_png() + END


def head(account: Account, *more: str) -> bytes:
    lines = (
        "POST /library/upload HTTP/1.1",
        "Host: dialtone",
        f"Authorization: Bearer {account.token}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        *more,
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def answered(service: Service, *pieces: bytes, breaks_off: bool = False) -> bytes:
    """What comes back until the server hangs up; who breaks off sends no more after these."""
    answer = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as build_use_cases:
        build_use_cases.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server that refuses a head may hang up on what follows.
        with suppress(ConnectionError):
            for piece in pieces:
                build_use_cases.sendall(piece)
            if breaks_off:
                build_use_cases.shutdown(socket.SHUT_WR)
            while more := build_use_cases.recv(65_536):
                answer += more
    return answer


def chunked(body: bytes, length: int) -> list[bytes]:
    pieces = [body[at : at + length] for at in range(0, len(body), length)]
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


async def assert_nothing_is_there(
    service: Service, http: httpx.AsyncClient, account: Account
) -> None:
    listed = await http.get(f"/library?user_id={account.user_id}", headers=account.headers)
    assert (listed.status_code, listed.json()["total"]) == (200, 0)
    assert "nforeseen" not in service.log
    assert "Traceback" not in service.log


@pytest.mark.parametrize("length", [1, 7, 4096])
async def test_a_form_may_come_in_chunks_of_any_length(
    service: Service, account: Account, length: int
) -> None:
    start = head(account, "Transfer-Encoding: chunked", "Connection: close")
    answer = answered(service, start, *chunked(form(account), length), b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
async def test_a_form_shorter_than_was_said_is_refused_and_leaves_nothing(
    service: Service, http: httpx.AsyncClient, account: Account, share: float
) -> None:
    body = form(account)
    cut = body[: int(len(body) * share)]
    for start, pieces in (
        (head(account, f"Content-Length: {len(body)}"), [cut]),
        (head(account, "Transfer-Encoding: chunked"), chunked(cut, 100)),
    ):
        answer = answered(service, start, *pieces, breaks_off=True)
        # Where the server itself gives the connection up nothing comes; a failure never does.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    await assert_nothing_is_there(service, http, account)


async def test_a_form_longer_than_was_said_is_refused_as_the_part_that_was(
    service: Service, http: httpx.AsyncClient, account: Account
) -> None:
    body = form(account)
    for said in (1, len(body) // 2, len(body) - len(END)):
        start = head(account, f"Content-Length: {said}", "Connection: close")
        assert answered(service, start, body).startswith(b"HTTP/1.1 400 ")
    await assert_nothing_is_there(service, http, account)


@pytest.mark.parametrize("said", ["-1", "1e3", "99999999999999999999", "9" * 5000, "1, 2", "x"])
async def test_a_length_that_is_none_is_refused(
    service: Service, http: httpx.AsyncClient, account: Account, said: str
) -> None:
    start = head(account, f"Content-Length: {said}", "Connection: close")
    answer = answered(service, start, form(account))
    assert answer == b"" or answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 413", b"HTTP/1.1 431")
    await assert_nothing_is_there(service, http, account)


async def test_who_goes_away_in_the_middle_of_an_upload_leaves_nothing(
    service: Service, http: httpx.AsyncClient, account: Account
) -> None:
    body = form(account)
    for place in (0, 1, len(body) // 2, len(body) - 1):
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as build_use_cases:
            build_use_cases.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            build_use_cases.sendall(head(account, f"Content-Length: {len(body)}") + body[:place])
    await assert_nothing_is_there(service, http, account)

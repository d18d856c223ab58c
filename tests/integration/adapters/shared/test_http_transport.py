"""The transport that adapters share: what is repeated, which errors have a name, what is read."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from adapters.shared.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from tests.support.certificates import CertificateAuthority
from tests.support.fakes.instant_loop import InstantLoop
from tests.support.servers.http_server import (
    Behavior,
    HttpServer,
    open_tcp_server,
    respond_with,
    truncate,
)
from tests.support.timeouts import LONG

NOT_SENT = httpx.ConnectError("refused")
LOST = httpx.RemoteProtocolError("the server disconnected")
LATE = httpx.ReadTimeout("no byte")
NO_CONNECTION = httpx.ConnectTimeout("no connection")
LARGEST: Final = 64 * 1024


@pytest.mark.parametrize(
    ("method", "errors", "expected"),
    [
        ("POST", [NOT_SENT], 200), ("POST", [LOST], NoResponse), ("POST", [LATE], NoResponse),
        ("POST", [NOT_SENT, NOT_SENT], ConnectionFailed), ("POST", [NOT_SENT, LOST], NoResponse),
        ("POST", [NO_CONNECTION], ConnectionFailed),
        ("GET", [LOST], 200), ("DELETE", [LOST], 200), ("GET", [LATE], NoResponse),
        ("GET", [LOST, LOST], NoResponse), ("GET", [LOST, NOT_SENT], NoResponse),
    ],
)  # fmt: skip
async def test_a_request_is_repeated_once_where_that_is_harmless(
    method: str, errors: list[Exception], expected: int | type[Exception]
) -> None:
    remaining = list(errors)

    def respond(request: httpx.Request) -> httpx.Response:
        if remaining:
            raise remaining.pop(0)
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        try:
            response = await Transport(client, Timeouts()).request(method, "http://a.test")
            result: object = response.status
        except (ConnectionFailed, NoResponse) as error:
            result = type(error)

    assert (result, remaining) == (expected, [])


@pytest.mark.parametrize(
    ("behavior", "response"),
    [
        (respond_with(200, b"a" * LARGEST), HttpResponse(200, b"a" * LARGEST)),
        (respond_with(200, b"a" * (LARGEST + 1)), HttpResponse(200, b"")),
        (truncate(201, b'{"sid": "SM00"}'), HttpResponse(201, b"")),
        (respond_with(200, b"\xff"), HttpResponse(200, b"\xff")),
        (respond_with(302, headers={"Location": "/other"}), HttpResponse(302, b"")),
    ],
    ids=["largest", "too large", "truncated", "not UTF-8", "redirect"],
)  # fmt: skip
async def test_a_status_counts_and_a_body_is_read_whole_or_not_at_all(
    behavior: Behavior, response: HttpResponse
) -> None:
    with HttpServer(behavior) as server:
        async with open_transport(LONG) as transport:
            assert await transport.request("POST", server.url, content=b"{}") == response
        assert len(server.requests) == 1


class EndlessBody(httpx.AsyncByteStream):
    """The first byte of a body, and nothing any more."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()


def test_the_status_of_an_endless_body_counts() -> None:
    async def send() -> HttpResponse:
        body = httpx.MockTransport(lambda _: httpx.Response(201, stream=EndlessBody()))
        async with httpx.AsyncClient(transport=body) as client:
            return await Transport(client, LONG).request("POST", "http://a.test")

    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        assert runner.run(send()) == HttpResponse(201, b"")


async def test_a_compressed_body_is_not_requested_and_not_decompressed() -> None:
    compressed = respond_with(201, gzip.compress(b"{}"), {"Content-Encoding": "gzip"})
    with HttpServer(compressed) as server:
        async with open_transport(LONG) as transport:
            response = await transport.request("POST", server.url)
        assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert response.text != "{}"


async def test_why_there_is_no_connection_is_named_such_as_an_unknown_authority(
    tmp_path: Path,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CertificateAuthority(tmp_path).issue("receiver"))

    with open_tcp_server(lambda it: context.wrap_socket(it, server_side=True).close()) as port:
        async with open_transport(LONG) as transport:
            for url, reason in (
                (f"https://127.0.0.1:{port}", "TLS: unable to get local issuer certificate"),
                ("http://127.0.0.1:1", "the connection was refused or the host is unknown"),
                ("ftp://127.0.0.1", "the URL is invalid"),
                ("https://xn--zzzzzz/", "the URL is invalid"),
                ("http://[::", "the URL is invalid"),
            ):
                with pytest.raises(ConnectionFailed) as error:
                    await transport.request("POST", url)
                assert error.value.reason == reason


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_what_is_for_this_machine_does_not_go_to_a_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with HttpServer(respond_with(200)) as server, HttpServer(respond_with(502)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with open_transport(LONG) as transport:
            response = await transport.request("POST", f"http://{host}:{server.server_address[1]}")

    assert response.status == 200
    assert not proxy.requests

"""The transport that adapters share: what is repeated, and which errors have a name."""

import httpx
import pytest

from adapters.http import ConnectionFailed, NoResponse, Timeouts, Transport, open_transport
from tests.support.servers.http_server import HttpServer, respond_with

NOT_SENT = httpx.ConnectError("refused")
LOST = httpx.RemoteProtocolError("the server disconnected")
LATE = httpx.ReadTimeout("no byte")
NO_CONNECTION = httpx.ConnectTimeout("no connection")


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
    ("scheme", "port", "reason"),
    [
        ("https", None, "TLS: "),
        ("http", 1, "the connection was refused or the host is unknown"),
        ("ftp", None, "the URL is invalid"),
    ],
)
async def test_why_there_is_no_connection_is_named(
    scheme: str, port: int | None, reason: str
) -> None:
    with HttpServer(respond_with(200)) as server:
        url = f"{scheme}://127.0.0.1:{port or server.server_address[1]}"
        async with open_transport(Timeouts()) as transport:
            with pytest.raises(ConnectionFailed) as error:
                await transport.request("POST", url, content=b"{}")
    assert error.value.reason.startswith(reason)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_what_is_for_this_machine_does_not_go_to_a_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with HttpServer(respond_with(200)) as server, HttpServer(respond_with(502)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with open_transport(Timeouts()) as transport:
            response = await transport.request("POST", f"http://{host}:{server.server_address[1]}")

    assert response.status == 200
    assert not proxy.requests

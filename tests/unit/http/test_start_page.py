"""Where there is a page at `/`, and who gets a message from it."""

import re
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest

from entrypoints.http.app import create_app
from entrypoints.http.console.plugin import ConsolePlugin
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.start.message_access import may_see_messages
from entrypoints.http.start.plugin import StartPlugin
from entrypoints.http.start.settings import HttpStartPageSettings
from tests.support import asgi
from tests.support.http_settings import make_http_settings

SETTINGS: Final = HttpStartPageSettings(port=8000, prints_messages=True, keeps_messages=True)
HOST: Final = {"host": "127.0.0.1:8000"}


def request(headers: dict[str, str], peer: str | None = "127.0.0.1") -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    return {
        "type": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": peer and (peer, 50000),
    }


@pytest.mark.parametrize(
    "headers",
    [
        HOST,
        {"host": "localhost:8000"},
        {"host": "LOCALHOST:8000"},
        {**HOST, "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_page_of_this_machine_gets_messages(headers: dict[str, str]) -> None:
    assert may_see_messages(request(headers), SETTINGS)
    assert may_see_messages(request(headers, peer="::1"), SETTINGS)


@pytest.mark.parametrize(
    "header",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-host": "127.0.0.1:8000"},
        {"x-forwarded-proto": "http"},
        {"x-forwarded": "for=127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x-real-ip": "127.0.0.1"},
        {"cf-connecting-ip": "127.0.0.1"},
        {"x-cluster-client-ip": "127.0.0.1"},
        {"fastly-client-ip": "127.0.0.1"},
        {"client-ip": "127.0.0.1"},
        {"cdn-loop": "cloudflare"},
        {"x-forwarded-for": ""},
    ],
    ids=lambda header: next(iter(header)),
)
def test_a_request_that_a_proxy_has_sent_on_gets_no_message(header: dict[str, str]) -> None:
    assert not may_see_messages(request(HOST | header), SETTINGS)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.0.0.1:8001",
        "localhost.:8000",
        "evil.example:8000",
        "127.0.0.1.evil.example:8000",
        "[::1]:8000",
        "0.0.0.0:8000",
        "127.1:8000",
        "",
    ],
)
def test_another_host_gets_no_message(host: str) -> None:
    assert not may_see_messages(request({"host": host}), SETTINGS)


def test_a_request_without_a_host_or_with_two_gets_no_message() -> None:
    assert not may_see_messages(request({}), SETTINGS)
    two = request(HOST)
    two["headers"] *= 2
    assert not may_see_messages(two, SETTINGS)


@pytest.mark.parametrize(
    "header",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8000"},  # another site than 127.0.0.1
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
    ids=lambda header: " ".join(*header.items()),
)
def test_a_page_of_another_origin_gets_no_message(header: dict[str, str]) -> None:
    assert not may_see_messages(request(HOST | header), SETTINGS)


@pytest.mark.parametrize("peer", ["192.168.1.7", "2001:db8::1", "not an IP", None])
def test_another_machine_gets_no_message(peer: str | None) -> None:
    assert not may_see_messages(request(HOST, peer), SETTINGS)


def test_a_service_that_keeps_no_messages_shows_none() -> None:
    assert not may_see_messages(request(HOST), replace(SETTINGS, keeps_messages=False))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80"])
def test_the_default_port_may_be_left_out(host: str) -> None:
    assert may_see_messages(request({"host": host}), replace(SETTINGS, port=80))


@pytest.mark.parametrize("has_console", [True, False])
async def test_the_page_links_to_the_console_where_there_is_one(has_console: bool) -> None:
    unused: Any = nullcontext
    settings = make_http_settings()
    console: list[ApiPlugin] = [ConsolePlugin()] if has_console else []
    plugins = [StartPlugin(SETTINGS), *console]
    app = create_app(unused, settings.http, plugins)
    scope = asgi.http_scope(("host", "test"))
    response = await asgi.request(app, scope | {"query_string": b"", "raw_path": b"/"})
    assert response.status == 200
    assert (b'href="console"' in response.body) == has_console


async def test_the_page_links_to_the_guides_of_a_clone() -> None:
    unused: Any = nullcontext
    app = create_app(unused, make_http_settings().http, [StartPlugin(SETTINGS)])

    async def get(path: str) -> asgi.AsgiResponse:
        scope = asgi.http_scope(("host", "test"), path=path)
        return await asgi.request(app, scope | {"query_string": b"", "raw_path": path.encode()})

    links = re.findall(r'href="(start/guides/[^"]+)"', (await get("/")).body.decode())
    assert len(links) > 5
    for link in links:
        guide = await get(f"/{link}")
        assert guide.status == 200
        assert guide.body.startswith(b"# ")
    assert (await get("/start/guides/costs.md")).status == 404
    assert (await get("/start/guides/..%2Fpyproject.toml")).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("POST", "/"),
        ("GET", "/start"),
        ("GET", "/start/page.js"),
        ("GET", "/start/guides/web.md"),
        ("POST", "/start/message"),
    ],
)
async def test_without_the_page_its_paths_are_unknown(method: str, path: str) -> None:
    unused: Any = nullcontext
    app = create_app(unused, make_http_settings().http, [StartPlugin(None)])
    scope = asgi.http_scope(("host", "test"), method=method, path=path)
    response = await asgi.request(app, scope | {"query_string": b"", "raw_path": path.encode()})
    assert response.status == 404
    assert msgspec.json.decode(response.body)["code"] == "not_found"

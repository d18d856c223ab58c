"""Where there is a page at `/`, and who gets a message from it."""

import re
from contextlib import nullcontext
from typing import Any, Final

import pytest

from adapters.messages.terminal import InMemoryRecentMessages
from application.features.start import StartFeature
from entrypoints.http.app import create_app
from entrypoints.http.features.start.plugin import (
    HttpStartPageSettings,
    StartPlugin,
    may_see_messages,
)
from entrypoints.http.plugin import ApiPlugin
from tests.support import asgi
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness
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
    ("headers", "peer"),
    [
        (HOST, "127.0.0.1"),
        ({"host": "LOCALHOST:8000"}, "::1"),
        ({**HOST, "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}, "127.0.0.1"),
    ],
)
def test_a_page_of_this_machine_gets_messages(headers: dict[str, str], peer: str) -> None:
    assert may_see_messages(request(headers, peer), SETTINGS)


@pytest.mark.parametrize(
    "header",
    [
        # What a proxy adds: each whole name, and each part of a name.
        *({name: "127.0.0.1"} for name in ("via", "cdn-loop", "x-original-host", "x-remote-addr")),
        *({name: ""} for name in ("x-forwarded-proto", "x-real-ip", "fastly-client-ip")),
        *({name: ""} for name in ("x-envoy-external-address", "cf-connecting-ip", "x-clientip")),
        # No port, another port, another name and another spelling.
        *({"host": name} for name in ("127.0.0.1", "127.0.0.1:8001", "127.1:8000")),
        {"host": "127.0.0.1.evil.example:8000"},
        {"origin": "http://localhost:8000"},  # another site than 127.0.0.1
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
    ids=lambda header: " ".join(*header.items()),
)
def test_a_request_from_elsewhere_gets_no_message(header: dict[str, str]) -> None:
    assert not may_see_messages(request(HOST | header), SETTINGS)


def test_a_request_without_a_host_or_with_two_gets_no_message() -> None:
    assert not may_see_messages(request({}), SETTINGS)
    two = request(HOST)
    two["headers"] *= 2
    assert not may_see_messages(two, SETTINGS)


def test_another_machine_gets_no_message() -> None:
    for peer in ("192.168.1.7", "not an IP", None):
        assert not may_see_messages(request(HOST, peer), SETTINGS)


async def get(app: Any, path: str, method: str = "GET") -> asgi.AsgiResponse:
    scope = asgi.http_scope(("host", "test"), method=method, path=path)
    return await asgi.request(app, scope | {"query_string": b""})


def make_app(*plugins: ApiPlugin) -> Any:
    unused: Any = nullcontext
    return create_app(unused, make_http_settings().http, plugins)


async def test_the_page_loads_nothing_from_other_hosts() -> None:
    app = make_app(StartPlugin(SETTINGS))
    page = await get(app, "/")
    text = page.body.decode()
    urls = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert urls
    # Relative ones, so that the page also works below a path of a proxy.
    assert not any(re.match(r"/|[a-z]+:", url) for url in urls)
    for url in urls:
        assert (await get(app, f"/{url}")).status == 200, url
    (policy,) = page.values("content-security-policy")
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert not re.search(r"<script>|<style|style=|\son[a-z]+=", text)
    assert (await get(app, "/", "HEAD")).status == 200
    assert (await get(app, "/start/controller.py")).status == 404


async def test_only_the_request_that_caused_a_message_gets_it() -> None:
    harness = CoreHarness()
    start = StartFeature(harness.use_cases, InMemoryRecentMessages())
    request_id = (await harness.request_otp()).request_id
    repeated = (await harness.request_otp()).request_id

    text = start.get_recent_message(request_id)

    assert text is not None
    assert harness.last_code in text
    for other in (repeated, request_id[:32], request_id[:-1], "", a_phone().e164):
        assert start.get_recent_message(other) is None

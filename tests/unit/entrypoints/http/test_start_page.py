"""Where there is a page at `/`, and who gets a message from it."""

from typing import Any, Final

import pytest

from adapters.messages.terminal import InMemoryRecentMessages
from application.additions import Additions
from application.features.start import GetRecentMessage
from entrypoints.http.features.start.api import (
    HttpStartPageSettings,
    may_see_messages,
)
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness

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


async def test_only_the_request_that_caused_a_message_gets_it() -> None:
    messages = InMemoryRecentMessages()
    harness = CoreHarness(additions=Additions(recent_messages=messages))
    start = GetRecentMessage(messages)
    request_id = (await harness.request_otp()).request_id
    repeated = (await harness.request_otp()).request_id

    text = start(request_id)

    assert text is not None
    assert harness.last_code in text
    for other in (repeated, request_id[:32], request_id[:-1], "", a_phone().e164):
        assert start(other) is None

"""The ids and the client IP of a request, in its response and in all its log lines."""

import io
import json
import logging
import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import structlog

from adapters.logging import LogSecurityEvents
from adapters.logging.formatter import make_formatter
from application.ports.security_events import SecurityEvent, SecurityEventType
from entrypoints.http.middleware import RequestContextMiddleware

PROXY, STRANGER = "10.0.0.1", "203.0.113.7"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
NEW_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(make_formatter("json"))
    root, security = logging.getLogger(), logging.getLogger("dialtone.security")
    levels = root.level, security.level
    previous = structlog.get_config()
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    security.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        security.setLevel(levels[1])
        structlog.configure(**previous)
        structlog.contextvars.clear_contextvars()


async def emit_all_events(scope: Any, receive: Any, send: Any) -> None:
    for event_type in SecurityEventType:
        LogSecurityEvents().emit(SecurityEvent(type=event_type))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def request(
    log: io.StringIO, peer: str, *headers: tuple[str, str]
) -> tuple[str, list[dict[str, Any]]]:
    """Return the id in the response, and the lines of the log."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/", "client": (peer, 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }  # fmt: skip
    middleware = RequestContextMiddleware(emit_all_events, [ip_network(PROXY)])
    await middleware(scope, None, send)  # type: ignore[arg-type]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (request_id,) = [
        value.decode() for name, value in sent[0]["headers"] if name == b"x-request-id"
    ]
    assert {line["request_id"] for line in lines} == {request_id}
    return request_id, lines


async def test_the_request_line_and_every_security_event_have_the_client_ip(
    log: io.StringIO,
) -> None:
    _, lines = await request(log, PROXY, ("x-forwarded-for", STRANGER))
    assert [line["event"] for line in lines] == [*SecurityEventType, "http_request"]
    assert {line["client_ip"] for line in lines} == {STRANGER}


@pytest.mark.parametrize("sent", ["a", "A-z_0.9", "x" * 128])
async def test_an_id_of_a_trusted_proxy_is_kept(log: io.StringIO, sent: str) -> None:
    request_id, _ = await request(log, PROXY, ("x-request-id", sent))
    assert request_id == sent


@pytest.mark.parametrize(
    ("peer", "sent"),
    [
        (STRANGER, ("a",)), (PROXY, ("",)), (PROXY, ("x" * 129,)), (PROXY, ("a b",)),
        (PROXY, ("a\n",)), (PROXY, ("\xe9",)), (PROXY, ("a", "a")), (PROXY, ('a"',)), (PROXY, ()),
    ],
)  # fmt: skip
async def test_any_other_id_is_replaced(log: io.StringIO, peer: str, sent: tuple[str, ...]) -> None:
    request_id, _ = await request(log, peer, *(("x-request-id", value) for value in sent))
    assert NEW_ID.fullmatch(request_id)


async def test_a_trace_of_a_trusted_proxy_is_continued(log: io.StringIO) -> None:
    _, lines = await request(log, PROXY, ("traceparent", TRACEPARENT))
    assert {line["trace_id"] for line in lines} == {TRACE_ID}


@pytest.mark.parametrize(
    ("peer", "sent"),
    [
        (STRANGER, (TRACEPARENT,)), (PROXY, (TRACEPARENT, TRACEPARENT)), (PROXY, ("",)),
        (PROXY, (TRACEPARENT.upper(),)), (PROXY, (f"{TRACEPARENT}-00",)),
        (PROXY, (TRACEPARENT.replace("00-", "ff-"),)), (PROXY, (f"00-{'0' * 32}-{'1' * 16}-01",)),
        (PROXY, (f"00-{TRACE_ID}-{'0' * 16}-01",)), (PROXY, (f"{TRACEPARENT}\n",)),
    ],
)  # fmt: skip
async def test_any_other_trace_is_replaced(
    log: io.StringIO, peer: str, sent: tuple[str, ...]
) -> None:
    _, lines = await request(log, peer, *(("traceparent", value) for value in sent))
    (trace_id,) = {line["trace_id"] for line in lines}
    assert NEW_ID.fullmatch(trace_id)
    assert trace_id != TRACE_ID


async def test_a_request_without_a_trace_has_no_trace_id(log: io.StringIO) -> None:
    _, lines = await request(log, PROXY)
    assert not any("trace_id" in line for line in lines)

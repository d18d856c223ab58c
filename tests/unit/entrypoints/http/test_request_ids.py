"""The ids and the client IP of a request, in its response and in all its log lines."""

import re
from ipaddress import ip_network
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.operations.logging import LogSecurityEvents
from adapters.operations.logging.configuration import add_request_fields
from application.identities.events import RefreshTokenRejected, RefreshTokenReused
from entrypoints.http.requests.middleware import RequestContextMiddleware
from tests.support.asgi import http_scope, ok, request
from tests.support.builders import an_id

PROXY, STRANGER = "10.0.0.1", "203.0.113.7"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
NEW_ID = re.compile(r"[0-9a-f]{32}")


async def record_events(scope: Any, receive: Any, send: Any) -> None:
    for event in (RefreshTokenRejected(), RefreshTokenReused(user_id=an_id())):
        LogSecurityEvents().record(event)
    await ok(scope, receive, send)


async def send_from(peer: str, *headers: tuple[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """Return the id in the response, and the log lines."""
    middleware = RequestContextMiddleware(record_events, [ip_network(PROXY)])
    with capture_logs([add_request_fields]) as lines:
        response = await request(middleware, http_scope(*headers, peer=peer))
    (request_id,) = response.values("x-request-id")
    assert {line["request_id"] for line in lines} == {request_id}
    return request_id, [dict(line) for line in lines]


async def test_the_request_line_and_security_events_have_the_client_ip() -> None:
    _, lines = await send_from(PROXY, ("x-forwarded-for", STRANGER))

    assert [line["event"] for line in lines] == [
        "refresh_token_rejected",
        "refresh_token_reused",
        "http_request",
    ]
    assert {line["client_ip"] for line in lines} == {STRANGER}
    assert not any("trace_id" in line for line in lines)


async def test_a_request_that_ends_with_an_error_has_its_lines() -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionResetError

    with capture_logs([add_request_fields]) as lines, pytest.raises(ConnectionResetError):
        await request(RequestContextMiddleware(fail), http_scope(peer=STRANGER))
    assert [(line["event"], line["client_ip"]) for line in lines] == [
        ("request_crashed", STRANGER),
        ("http_request", STRANGER),
    ]


@pytest.mark.parametrize(
    ("sent", "trace"),
    [
        ("A-z_0.9", f"01{TRACEPARENT[2:]}"),
        ("x" * 128, f"cc{TRACEPARENT[2:]}-."),
        ("0123456-7890123", TRACEPARENT),
    ],
)
async def test_the_ids_of_a_trusted_proxy_are_kept(sent: str, trace: str) -> None:
    request_id, lines = await send_from(PROXY, ("x-request-id", sent), ("traceparent", trace))

    assert request_id == sent
    assert {line["trace_id"] for line in lines} == {TRACE_ID}


@pytest.mark.parametrize(
    ("peer", "ids", "traces"),
    [
        (STRANGER, ["a"], [TRACEPARENT]),
        (PROXY, [""], [""]),
        (PROXY, ["a", "a"], [TRACEPARENT, TRACEPARENT]),
        (PROXY, ["a\n"], [f"{TRACEPARENT}\n"]),
        (PROXY, ["x" * 129], [f"01{TRACEPARENT[2:]}-{'x' * 73}"]),
        (PROXY, ["415-555.2671"], [TRACEPARENT.upper()]),
        (PROXY, ["\xe9"], [TRACEPARENT.replace("00-", "ff-")]),
        (PROXY, [], [f"00-{'0' * 32}-{'1' * 16}-01"]),
        (PROXY, [], [f"00-{TRACE_ID}-{'0' * 16}-01"]),
    ],
)
async def test_any_other_id_is_replaced(peer: str, ids: list[str], traces: list[str]) -> None:
    headers = [("x-request-id", value) for value in ids] + [("traceparent", t) for t in traces]
    request_id, lines = await send_from(peer, *headers)

    (trace_id,) = {line["trace_id"] for line in lines}
    assert NEW_ID.fullmatch(request_id)
    assert NEW_ID.fullmatch(trace_id)
    assert trace_id != TRACE_ID

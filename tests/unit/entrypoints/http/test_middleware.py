"""The outermost layer: default headers, the ids of a request, and its line in the log."""

import asyncio
import re
from ipaddress import ip_network
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.operations.logging.configuration import add_request_fields
from adapters.operations.logging.security_events import LogSecurityEvents
from application.identities.events import RefreshTokenReused
from domain.errors import Unavailable
from entrypoints.http.errors.exceptions import HttpError, InvalidBody
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.requests.client_ip import ClientIpResolver
from entrypoints.http.requests.middleware import ERROR, RequestContextMiddleware
from tests.support.asgi import http_scope, ok, request
from tests.support.builders import an_id

PROXY, STRANGER = "10.0.0.1", "203.0.113.7"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
NEW_ID = re.compile(r"[0-9a-f]{32}")


async def test_a_default_header_does_not_replace_a_header_of_the_response() -> None:
    response = await request(RequestContextMiddleware(ok, ClientIpResolver(())), http_scope())
    assert response.values("cache-control") == ["public"]
    assert len(response.values("x-request-id")) == 1


class Observer:
    """The last request that was measured."""

    observed: tuple[Any, ...] = ()

    def observe_request(self, *observed: Any) -> None:
        self.observed = observed


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (503, Unavailable(), "unavailable"),
        (400, InvalidBody(FieldErrorCode.MISSING_FIELD, "A body is required."), "invalid"),
    ],
)
async def test_the_line_and_the_measurement_of_a_request_have_its_error(
    status: int, error: HttpError | Unavailable, code: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope[ERROR] = error
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    observer = Observer()
    with capture_logs() as lines:
        await request(
            RequestContextMiddleware(app, ClientIpResolver(()), observer=observer), http_scope()
        )
    (line,) = lines
    assert (line["event"], line["status"], line["error_code"]) == ("http_request", status, code)
    method, route, observed, seconds, kind = observer.observed
    assert (method, route, observed, kind) == ("GET", "-", status, type(error))
    assert seconds >= 0


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("a bug"), 500), (asyncio.CancelledError(), 499)]
)
async def test_a_request_without_a_response_crashed_or_its_client_is_gone(
    error: BaseException, status: int
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    observer = Observer()
    middleware = RequestContextMiddleware(app, ClientIpResolver(()), observer=observer)
    with capture_logs([add_request_fields]) as lines, pytest.raises(type(error)):
        await request(middleware, http_scope(peer=STRANGER))
    assert (lines[-1]["event"], lines[-1]["status"]) == ("http_request", status)
    assert observer.observed[2] == status
    assert any(line["event"] == "request_crashed" for line in lines) is (status == 500)
    assert {line["client_ip"] for line in lines} == {STRANGER}


async def record_event(scope: Any, receive: Any, send: Any) -> None:
    LogSecurityEvents().record(RefreshTokenReused(user_id=an_id(), session_id="f" * 32))
    await ok(scope, receive, send)


async def send_from(peer: str, *headers: tuple[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """Return the id in the response, and the log lines."""
    middleware = RequestContextMiddleware(record_event, ClientIpResolver([ip_network(PROXY)]))
    with capture_logs([add_request_fields]) as lines:
        response = await request(middleware, http_scope(*headers, peer=peer))
    (request_id,) = response.values("x-request-id")
    assert {line["request_id"] for line in lines} == {request_id}
    return request_id, [dict(line) for line in lines]


@pytest.mark.parametrize(
    ("sent", "trace"),
    [("A-z_0.9", f"01{TRACEPARENT[2:]}"), ("x" * 128, f"cc{TRACEPARENT[2:]}-.")],
)
async def test_the_ids_of_a_trusted_proxy_are_kept(sent: str, trace: str) -> None:
    request_id, lines = await send_from(PROXY, ("x-request-id", sent), ("traceparent", trace))

    assert request_id == sent
    assert {line["trace_id"] for line in lines} == {TRACE_ID}


@pytest.mark.parametrize(
    ("peer", "ids", "traces"),
    [
        (STRANGER, ["a"], [TRACEPARENT]),
        (PROXY, ["a", "a"], [TRACEPARENT, TRACEPARENT]),
        (PROXY, ["a\n"], [f"{TRACEPARENT}\n"]),
        (PROXY, ["x" * 129], [f"01{TRACEPARENT[2:]}-{'x' * 73}"]),
        (PROXY, ["415-555.2671"], [TRACEPARENT.upper()]),
        (PROXY, ["\xe9"], [TRACEPARENT.replace("00-", "ff-")]),
        (PROXY, [""], [f"00-{'0' * 32}-{'1' * 16}-01"]),
    ],
)
async def test_any_other_id_is_replaced(peer: str, ids: list[str], traces: list[str]) -> None:
    headers = [("x-request-id", value) for value in ids] + [("traceparent", t) for t in traces]
    request_id, lines = await send_from(peer, *headers)

    (trace_id,) = {line["trace_id"] for line in lines}
    assert NEW_ID.fullmatch(request_id)
    assert NEW_ID.fullmatch(trace_id)
    assert trace_id != TRACE_ID

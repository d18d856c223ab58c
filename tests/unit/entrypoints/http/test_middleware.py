"""The outermost layer: default headers, and the line of each request."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.errors import Unavailable
from entrypoints.http.errors.exceptions import HttpError, InvalidBody
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.requests.middleware import ERROR, AsgiApp, RequestContextMiddleware
from tests.support.asgi import http_scope, ok, request


def responding(status: int, error: Exception | None = None) -> AsgiApp:
    """Return an application that responds with this status to any request."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if error is not None:
            scope[ERROR] = error
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def logged(app: AsgiApp, **options: Any) -> list[Any]:
    """Return the lines of a request."""
    middleware = RequestContextMiddleware(app, **options)
    with capture_logs() as lines:
        await request(middleware, http_scope())
    return lines


async def test_a_default_header_does_not_replace_a_header_of_the_response() -> None:
    response = await request(RequestContextMiddleware(ok), http_scope())
    assert response.values("cache-control") == ["public"]
    assert len(response.values("x-request-id")) == 1


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (503, Unavailable(), "unavailable"),
        (400, InvalidBody(FieldErrorCode.MISSING_FIELD, "A body is required."), "invalid"),
    ],
)
async def test_the_line_of_a_request_has_the_code_of_its_error(
    status: int, error: HttpError | Unavailable, code: str
) -> None:
    (line,) = await logged(responding(status, error))
    assert (line["event"], line["status"], line["error_code"]) == ("http_request", status, code)


async def test_a_line_without_an_error_has_no_code() -> None:
    (line,) = await logged(responding(200))
    assert "error_code" not in line


class Observer:
    """The last request that was measured."""

    observed: tuple[Any, ...] = ()

    def observe_request(self, *observed: Any) -> None:
        self.observed = observed


async def test_a_request_is_observed_with_its_error() -> None:
    observer = Observer()
    await logged(responding(503, Unavailable()), observer=observer)
    method, route, status, seconds, error = observer.observed
    assert (method, route, status, error) == ("GET", "-", 503, Unavailable)
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
    middleware = RequestContextMiddleware(app, observer=observer)
    with capture_logs() as lines, pytest.raises(type(error)):
        await request(middleware, http_scope())
    assert (lines[-1]["event"], lines[-1]["status"]) == ("http_request", status)
    assert observer.observed[2] == status
    assert any(line["event"] == "request_crashed" for line in lines) is (status == 500)

"""The outermost layer: default headers."""

from entrypoints.http.middleware import RequestContextMiddleware
from tests.support.asgi import http_scope, ok, request


async def test_a_default_header_does_not_replace_a_header_of_the_response() -> None:
    response = await request(RequestContextMiddleware(ok), http_scope())
    assert response.values("cache-control") == ["public"]
    assert len(response.values("x-request-id")) == 1

"""Which requests are rejected by their Host and Origin headers."""

import json
from typing import Any

import pytest

from entrypoints.http.request_checks import RequestCheckMiddleware
from tests.support.asgi import http_scope, ok, request

PUBLIC_URL = "https://Dialtone.example.org:443/api"
WEB_ORIGINS = ("https://app.example.org", "http://localhost:3000")
OWN_HOST = ("host", "10.0.0.5:8000")
FOREIGN = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]


async def respond(
    *headers: tuple[str, str],
    method: str = "POST",
    path: str = "/",
    public_url: str | None = PUBLIC_URL,
) -> tuple[int, Any]:
    middleware = RequestCheckMiddleware(ok, public_url, WEB_ORIGINS)
    response = await request(middleware, http_scope(*headers, method=method, path=path))
    return response.status, json.loads(response.body)


@pytest.mark.parametrize(
    "hosts",
    [
        (), ("a", "a"), ("a", "b"), ("",), ("a b",), ("u@a",), ("a/b",), ("a:b",), ("a:123456",),
        ("a:80:80",), ("::1",), ("[::1",), ("a,b",), ("a\t",), ("\xe9",), ("http://a",),
    ],
)  # fmt: skip
async def test_a_request_without_exactly_one_valid_host_is_a_400(hosts: tuple[str, ...]) -> None:
    headers = [("host", host) for host in hosts]
    status, body = await respond(*headers, method="GET")
    assert (status, body["code"]) == (400, "invalid_host")
    status, body = await respond(*headers, path="/authenticate/get_otp")
    assert (status, body["exit_code"]) == (400, 4)
    for valid in (
        "a",
        "A.example.org",
        "127.0.0.1:8000",
        "[::1]:8000",
        "[::1]",
        "my_host:80",
        "a.",
    ):
        assert await respond(("host", valid), method="GET") == (200, {})


@pytest.mark.parametrize("second", ["Bearer a", "Bearer b", "Basic b", ""])
@pytest.mark.parametrize("path", ["/", "/library", "/voice", "/no/such/path"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_request_with_two_authorization_headers_is_a_400(
    method: str, path: str, second: str
) -> None:
    headers = [OWN_HOST, ("authorization", "Bearer a")]
    assert (await respond(*headers, method=method, path=path))[0] == 200
    headers.append(("authorization", second))
    status, body = await respond(*headers, method=method, path=path)
    assert (status, body["code"]) == (400, "invalid_authorization")
    status, body = await respond(*headers, method=method, path="/authenticate/get_otp")
    assert (status, body["exit_code"]) == (400, 4)


@pytest.mark.parametrize(
    ("host", "origin", "public_url"),
    [
        ("10.0.0.5:8000", "http://10.0.0.5:8000", None),
        ("10.0.0.5:8000", "https://10.0.0.5:8000", None),
        ("Other.example.org", "https://other.example.org", None),
        ("other.example.org", "http://other.example.org", None),
        ("other.example.org:443", "https://other.example.org", None),
        ("other.example.org", "https://other.example.org:443", None),
        ("[::1]:8000", "http://[::1]:8000", None),
        ("backend:8000", "https://dialtone.example.org", PUBLIC_URL),
        ("backend:8000", "https://app.example.org", PUBLIC_URL),
        ("backend:8000", "http://localhost:3000", None),
    ],
)
async def test_pages_of_the_service_and_of_listed_origins_may_change_things(
    host: str, origin: str, public_url: str | None
) -> None:
    fetch_site = ("sec-fetch-site", "cross-site")
    status, _ = await respond(("host", host), ("origin", origin), fetch_site, public_url=public_url)
    assert status == 200


async def test_with_a_public_url_the_requests_own_host_is_no_origin() -> None:
    for name in ("evil.example", "10.0.0.5:8000"):
        headers = ("host", name), ("origin", f"http://{name}"), ("sec-fetch-site", "same-origin")
        assert (await respond(*headers))[0] == 403
        assert (await respond(*headers, public_url=None))[0] == 200


@pytest.mark.parametrize(
    "origins",
    [
        ("null",), ("",), ("https://evil.example",), ("https://app.example.org.evil.example",),
        ("https://evil.example/https://app.example.org",), ("https://app.example.org:444",),
        ("http://app.example.org",), ("https://sub.app.example.org",), ("app.example.org",),
        ("http://localhost",), ("http://10.0.0.5",), ("http://10.0.0.5:8001",), ("10.0.0.5:8000",),
        ("file://10.0.0.5:8000",), ("https://dialtone.example.org/api",), ("https://dialtone",),
        ("https://user@app.example.org",), ("https://app.example.org, https://evil.example",),
        ("https://app.example.org", "https://app.example.org"),
        ("https://app.example.org", "https://evil.example"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
async def test_pages_of_other_origins_may_not(method: str, origins: tuple[str, ...]) -> None:
    headers = [("origin", origin) for origin in origins]
    status, body = await respond(OWN_HOST, *headers, method=method)
    assert (status, body["code"]) == (403, "origin_not_allowed")
    status, body = await respond(OWN_HOST, *headers, method=method, path="/authenticate/get_otp")
    assert (status, body["exit_code"]) == (403, 1)


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("POST", [("sec-fetch-site", "cross-site")], 403),
        ("POST", [("sec-fetch-site", "same-site")], 200),
        ("POST", [("sec-fetch-site", "same-origin")], 200),
        ("POST", [("sec-fetch-site", "none")], 200),
        # Every page may read what is public.
        *((method, FOREIGN, 200) for method in ("GET", "HEAD", "OPTIONS")),
    ],
)
async def test_without_an_origin_sec_fetch_site_counts(
    method: str, headers: list[tuple[str, str]], expected: int
) -> None:
    status, _ = await respond(OWN_HOST, *headers, method=method)
    assert status == expected

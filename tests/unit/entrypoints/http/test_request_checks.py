"""Which requests are rejected by their Host and Origin headers."""

import json
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from entrypoints.http.app import make_error_table
from entrypoints.http.features.legacy_otp import LegacyOtpHttpAdditions
from entrypoints.http.requests.checks import RequestCheckMiddleware
from entrypoints.http.requests.middleware import ERROR
from tests.support.asgi import AsgiResponse, http_scope, ok, request

ERRORS = make_error_table([LegacyOtpHttpAdditions()])
PUBLIC_URL = "https://Dialtone.example.org:443/api"
WEB_ORIGINS = ("https://app.example.org", "http://localhost:3000", "capacitor://localhost")
OWN_HOST = ("host", "10.0.0.5:8000")


ALL_METHODS: Final = "DELETE, GET, HEAD, OPTIONS, PATCH, POST"
FOREIGN = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]


async def send(
    *headers: tuple[str, str], public_url: str | None = PUBLIC_URL, **scope: str
) -> AsgiResponse:
    middleware = RequestCheckMiddleware(ok, public_url, WEB_ORIGINS, errors=ERRORS)
    asgi_scope = http_scope(*headers, **scope)
    response = await request(middleware, asgi_scope)
    # The line of the request has the code of its error.
    assert (ERROR in asgi_scope) is (response.status >= 400)
    return response


async def respond(
    *headers: tuple[str, str],
    method: str = "POST",
    path: str = "/users",
    public_url: str | None = PUBLIC_URL,
) -> tuple[int, Any]:
    response = await send(*headers, method=method, path=path, public_url=public_url)
    return response.status, json.loads(response.body)


async def test_a_request_without_exactly_one_valid_host_is_a_400() -> None:
    for hosts in (
        (), ("a", "a"),  # exactly one
        ("",), ("a b",), ("u@a",), ("a/b",), ("\xe9",),  # a name, without another part of a URL
        ("a:b",), ("a:123456",),  # a port
        ("::1",), ("[::1",),  # an IPv6 address in brackets
    ):  # fmt: skip
        status, body = await respond(*(("host", host) for host in hosts), method="GET")
        assert (status, body["code"]) == (400, "invalid_host"), hosts
    status, body = await respond(path="/authenticate/get_otp")
    assert (status, body["exit_code"]) == (400, 4)
    for valid in ("A.example.org", "127.0.0.1:8000", "[::1]:8000", "my_host:80", "a."):
        assert await respond(("host", valid), method="GET") == (200, {})


@pytest.mark.parametrize("version", ["1", "1.0"])  # the server has the first spelling
async def test_http_1_0_needs_no_host_but_no_invalid_one(version: str) -> None:
    for headers in ((), (("host", ""),), (("host", "a"),)):
        assert (await send(*headers, http_version=version)).status == 200
    for hosts in (("a", "a"), ("a/b",), ("", "")):
        invalid = [("host", host) for host in hosts]
        assert (await send(*invalid, http_version=version)).status == 400
    foreign = await send(*FOREIGN, public_url=None, method="POST", http_version=version)
    assert foreign.status == 403


@pytest.mark.parametrize(
    ("codings", "status"),
    [
        (["Chunked"], 200), ([" chunked "], 200), ([], 200), (["gzip, chunked"], 501),
        (["gzip", "chunked"], 501), (["chunked, chunked"], 501),
    ],
)  # fmt: skip
async def test_chunked_is_the_only_transfer_coding(codings: list[str], status: int) -> None:
    headers = [("transfer-encoding", coding) for coding in codings]
    response = await send(OWN_HOST, *headers, method="GET")
    assert response.status == status
    assert (b"unsupported_transfer_encoding" in response.body) == (status == 501)


async def test_connect_is_no_method_of_any_path() -> None:
    for path in ("", "/users"):
        response = await send(OWN_HOST, method="CONNECT", path=path)
        assert (response.status, response.values("allow")) == (405, [ALL_METHODS])
    response = await send(OWN_HOST, method="CONNECT", path="/authenticate/get_otp")
    assert (response.status, response.values("allow")) == (405, ["POST"])


async def test_a_request_with_two_authorization_headers_is_a_400() -> None:
    one = [OWN_HOST, ("authorization", "Bearer a")]
    for method, second in (("GET", "Bearer a"), ("POST", ""), ("OPTIONS", "Bearer a")):
        assert (await respond(*one, method=method))[0] == 200
        two = [*one, ("authorization", second)]
        status, body = await respond(*two, method=method)
        assert (status, body["code"]) == (400, "invalid_authorization")
        status, body = await respond(*two, method=method, path="/authenticate/get_otp")
        assert (status, body["exit_code"]) == (400, 4)


async def test_pages_of_the_service_and_of_listed_origins_may_change_things() -> None:
    fetch_site = ("sec-fetch-site", "cross-site")
    for host, origin, public_url in (
        ("10.0.0.5:8000", "https://10.0.0.5:8000", None),
        ("Other.example.org", "http://other.example.org", None),
        ("other.example.org:443", "https://other.example.org", None),
        ("other.example.org", "https://other.example.org:443", None),
        ("[::1]:8000", "http://[::1]:8000", None),
        ("backend:8000", "https://dialtone.example.org", PUBLIC_URL),
        ("backend:8000", "https://app.example.org", PUBLIC_URL),
        ("backend:8000", "http://localhost:3000", None),
    ):
        headers = ("host", host), ("origin", origin), fetch_site
        assert (await respond(*headers, public_url=public_url))[0] == 200, host


async def test_with_a_public_url_the_requests_own_host_is_no_origin() -> None:
    for name in ("evil.example", "10.0.0.5:8000"):
        headers = ("host", name), ("origin", f"http://{name}"), ("sec-fetch-site", "same-origin")
        assert (await respond(*headers))[0] == 403
        assert (await respond(*headers, public_url=None))[0] == 200


async def test_pages_of_other_origins_may_not() -> None:
    for origins in (
        ("null",), ("",), ("app.example.org",),  # an origin
        # The whole host, the port and the scheme.
        ("https://app.example.org.evil.example",), ("https://sub.app.example.org",),
        ("https://app.example.org:444",), ("http://app.example.org",), ("http://10.0.0.5:8001",),
        # No other part of a URL.
        ("https://evil.example/https://app.example.org",), ("https://dialtone.example.org/api",),
        ("https://user@app.example.org",),
        # Exactly one.
        ("https://app.example.org, https://evil.example",),
        ("https://app.example.org", "https://app.example.org"),
    ):  # fmt: skip
        headers = [("origin", origin) for origin in origins]
        status, body = await respond(OWN_HOST, *headers, method="DELETE")
        assert (status, body["code"]) == (403, "origin_not_allowed"), origins
    status, body = await respond(OWN_HOST, *FOREIGN, path="/authenticate/get_otp")
    assert (status, body["exit_code"]) == (403, 1)


async def test_only_the_log_names_the_setting_that_lists_an_origin() -> None:
    with capture_logs() as lines:
        _, body = await respond(OWN_HOST, *FOREIGN)
    assert "DIALTONE_" not in json.dumps(body)
    (line,) = lines
    assert line["origins"] == ["https://evil.example:443"]
    assert "DIALTONE_WEB_ORIGINS" in line["fix"]


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("POST", [("sec-fetch-site", "cross-site")], 403),
        ("POST", [("sec-fetch-site", "same-site")], 200),
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

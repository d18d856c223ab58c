"""What browsers may do for pages of other origins: preflights and headers of CORS.

Which origins may change something is tested with the check itself.
"""

from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from tests.support.app_harness import AppHarness
from tests.support.http_app import BASE_URL, open_http_client
from tests.support.http_settings import make_http_settings

APP: Final = "https://app.example.org"
PAGE: Final = "https://evil.example"
MAIN, LEGACY = "/auth/request-otp", "/authenticate/get_otp"
PREFLIGHT: Final = {"Access-Control-Request-Method": "POST"}
REQUEST_HEADERS: Final = {
    "authorization", "content-type", "idempotency-key", "if-modified-since", "if-none-match",
    "range", "traceparent", "x-requested-with",
}  # fmt: skip


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    settings = make_http_settings(BASE_URL, web_origins=(APP,))
    async with open_http_client(AppHarness().use_cases, settings) as client:
        yield client


def has_cors(response: httpx.Response) -> bool:
    return any(name.startswith("access-control-") for name in response.headers)


async def test_a_listed_origin_gets_a_preflight_response(web: httpx.AsyncClient) -> None:
    requested = {"Access-Control-Request-Headers": ",".join(sorted(REQUEST_HEADERS))}
    for path in (MAIN, LEGACY):
        response = await web.options(path, headers={"Origin": APP, **PREFLIGHT, **requested})
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == APP
        allowed = response.headers["access-control-allow-headers"].lower().split(", ")
        assert set(allowed) >= REQUEST_HEADERS
        assert "POST" in response.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in response.headers
        assert response.headers["vary"] == "Origin"


async def test_no_response_to_a_foreign_preflight_names_the_setting(web: httpx.AsyncClient) -> None:
    for origin in (PAGE, "null", APP.replace("https", "http")):
        for path in (MAIN, "/library/0123456789abcdef01234567", "/nowhere"):
            response = await web.options(path, headers={"Origin": origin, **PREFLIGHT})
            assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
            assert "DIALTONE_" not in response.text
            assert not has_cors(response)


async def test_a_listed_origin_can_read_every_response(web: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/health/live", 200),
        ("GET", "/users/me", 401),
        ("GET", MAIN, 405),
        ("POST", "/auth/verify-otp", 415),
        ("POST", "/authenticate/nowhere", 404),
    ):
        content = b"{}" if method == "POST" else None
        response = await web.request(method, path, content=content, headers={"Origin": APP})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == APP
        assert response.headers["x-content-type-options"] == "nosniff"
        exposed = response.headers["access-control-expose-headers"].split(", ")
        assert {"ETag", "Location", "Retry-After", "X-Request-Id", "Content-Range"} <= set(exposed)
        other = await web.request(
            method, path, headers={"Origin": PAGE} if method != "POST" else {}
        )
        assert other.headers["vary"] == "Origin"
        assert not has_cors(other)

"""What anybody may load, and what browsers may do for pages of other origins.

Which origins may change something is tested with the check itself.
"""

import re
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from entrypoints.parts.version import installed_version
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


# The client module, the page of the API, the metadata of the issuer


async def test_the_module_has_the_version_of_the_service() -> None:
    async with open_http_client(AppHarness().use_cases) as http:
        module = await http.get("/client/dialtone.js")
    assert f'export const VERSION = "{installed_version()}";' in module.text


async def test_the_description_is_compressed_and_not_sent_again() -> None:
    settings = make_http_settings(web_origins=("https://app.example",))
    origin = {"Origin": "https://app.example"}
    async with open_http_client(AppHarness().use_cases, settings) as http:
        plain = await http.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0, *"})
        gzipped = await http.get("/openapi.json", headers=origin | {"Accept-Encoding": "br, gzip"})
        tag = {"If-None-Match": f'"another", {gzipped.headers["etag"]}'}
        known = await http.get("/openapi.json", headers=origin | tag)
        other = await http.get("/openapi.json", headers=tag | {"Accept-Encoding": "identity"})
        broken = {"If-Match": '"another"'}
        errors = [await http.get("/openapi.json", headers=broken), await http.get("/nowhere")]

    assert ("content-encoding" in plain.headers, gzipped.headers["content-encoding"]) == (
        False,
        "gzip",
    )
    assert plain.content == gzipped.content == other.content
    assert int(gzipped.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == gzipped.headers["etag"] != plain.headers["etag"]
    assert gzipped.headers["access-control-allow-origin"] == origin["Origin"]
    for response in (plain, gzipped, known):
        assert response.headers["cache-control"] == "public, no-cache"
        assert response.headers["vary"] == "Origin, Accept-Encoding"
    assert ["content-encoding" in response.headers for response in errors] == [False, False]
    assert [response.headers["vary"] for response in errors] == [
        "Origin, Accept-Encoding",
        "Origin",
    ]


async def test_the_page_of_the_api_loads_nothing_from_other_hosts() -> None:
    async with open_http_client(AppHarness().use_cases) as http:
        page = await http.get("/docs")
        urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        statuses = {url: (await http.get(url)).status_code for url in urls}

    assert len(statuses) > 3
    assert statuses == dict.fromkeys(statuses, 200)
    assert [url for url in urls if not re.match(r"/(?!/)", url)] == []
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_an_issuer_that_is_a_url_has_metadata() -> None:
    url = "https://api.example.org"
    settings = make_http_settings(url, token_issuer=url)
    async with open_http_client(AppHarness().use_cases, settings) as http:
        metadata = (await http.get("/.well-known/openid-configuration")).json()
    assert (metadata["issuer"], metadata["jwks_uri"]) == (url, f"{url}/.well-known/jwks.json")

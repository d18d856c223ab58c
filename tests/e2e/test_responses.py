"""All responses: headers, HEAD, OPTIONS, health and the API page."""

import re

import httpx

from tests.e2e.app import App, bearer

PATHS = ["/health/live", "/health/ready", "/nowhere", "/users/me", "/openapi.json", "/docs"]
AN_ID = "6561a2b0c3d4e5f60718293a"
ALLOWED_METHODS = {
    "/auth/request-otp": "OPTIONS, POST",
    "/users": "OPTIONS, POST",
    "/users/me": "DELETE, GET, HEAD, OPTIONS, PATCH",
    f"/users/{AN_ID}": "GET, HEAD, OPTIONS",
    "/library": "GET, HEAD, OPTIONS",
    "/library/upload": "OPTIONS, POST",
    f"/library/{AN_ID}": "DELETE, GET, HEAD, OPTIONS, PATCH",
    "/media/ab/a-file": "GET, HEAD, OPTIONS",
    "/health/live": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
}


async def test_every_response_has_its_own_request_id_and_forbids_sniffing(
    http: httpx.AsyncClient,
) -> None:
    responses = [await http.get(path) for path in PATHS]
    ids = [response.headers["x-request-id"] for response in responses]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)
    for response in responses:
        assert response.headers["x-content-type-options"] == "nosniff"
        is_json = "json" in response.headers["content-type"]
        assert not is_json or response.headers["cache-control"] == "no-store"


async def test_head_works_wherever_get_does(http: httpx.AsyncClient) -> None:
    for path in PATHS:
        get, head = await http.get(path), await http.head(path)
        assert head.status_code == get.status_code, path
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]
    rejected = await http.head("/auth/request-otp")
    assert rejected.status_code == 405
    assert rejected.headers["allow"] == "OPTIONS, POST"


async def test_health_lists_each_part(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health/live")).json() == {"status": "ok"}
    assert (await http.get("/health/ready")).json() == {
        "status": "ready",
        "database": "ok",
        "media": "ok",
        "messages": "ok",
    }


async def test_the_api_page_loads_nothing_from_other_hosts(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert 'data-keeps-token="true"' in page.text
    urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert urls
    assert all(url.startswith("/") and not url.startswith("//") for url in urls)
    for url in urls:
        assert (await http.get(url)).status_code == 200, url
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_options_and_405_have_the_same_allow_header(
    http: httpx.AsyncClient, app: App, phone: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    for path, allowed in ALLOWED_METHODS.items():
        options = await http.options(path, headers=headers)
        rejected = await http.request("TRACE", path, headers=headers)
        assert (options.status_code, rejected.status_code) == (204, 405), path
        assert options.headers["allow"] == rejected.headers["allow"] == allowed
        assert options.content == b""

"""All responses: headers and the API page."""

import re

import httpx

PATHS = ["/health/live", "/health/ready", "/nowhere", "/users/me", "/openapi.json", "/docs"]


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


async def test_the_api_page_loads_nothing_from_other_hosts(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert 'data-keeps-token="true"' in page.text
    urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert urls
    assert all(url.startswith("/") and not url.startswith("//") for url in urls)
    for url in urls:
        assert (await http.get(url)).status_code == 200, url
    assert "default-src 'none'" in page.headers["content-security-policy"]

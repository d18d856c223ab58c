"""The page with the API description."""

import re

import httpx


async def test_the_api_page_loads_nothing_from_other_hosts(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert 'data-keeps-token="true"' in page.text
    urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert urls
    assert all(url.startswith("/") and not url.startswith("//") for url in urls)
    for url in urls:
        assert (await http.get(url)).status_code == 200, url
    assert "default-src 'none'" in page.headers["content-security-policy"]

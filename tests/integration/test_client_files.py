"""What the service serves to browsers: the client module, and the page of the API."""

import re

import pytest

from tests.support.app_harness import AppHarness
from tests.support.http_app import open_http_client


@pytest.mark.parametrize(
    ("name", "media_type"), [("dialtone.js", "text/javascript"), ("dialtone.d.ts", "text/plain")]
)
async def test_a_client_that_has_a_file_of_the_module_gets_a_304(
    name: str, media_type: str
) -> None:
    async with open_http_client(AppHarness().use_cases) as http:
        first = await http.get(f"/client/{name}")
        headers = {"If-None-Match": first.headers["ETag"]}
        second = await http.get(f"/client/{name}", headers=headers)
        unknown = await http.get("/client/controller.py")

    assert (first.status_code, second.status_code, unknown.status_code) == (200, 304, 404)
    assert first.headers["Content-Type"].partition(";")[0] == media_type
    assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "public, no-cache"
    assert "export class Dialtone " in first.text
    assert second.content == b""


async def test_the_page_of_the_api_loads_nothing_from_other_hosts() -> None:
    async with open_http_client(AppHarness().use_cases) as http:
        page = await http.get("/docs")
        urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        statuses = {url: (await http.get(url)).status_code for url in urls}

    assert len(statuses) > 3
    assert statuses == dict.fromkeys(statuses, 200)
    assert [url for url in urls if not re.match(r"/(?!/)", url)] == []
    assert "default-src 'none'" in page.headers["content-security-policy"]

"""What anybody may load: the client module, the page of the API, the metadata of the issuer."""

import re

from entrypoints.parts.version import installed_version
from tests.support.app_harness import AppHarness
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings


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

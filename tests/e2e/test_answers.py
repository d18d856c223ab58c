"""What every answer carries, and HEAD, health and the description."""

import re

import httpx
import pytest

from tests.e2e.app import App, bearer

PATHS = ["/health/live", "/health/ready", "/nowhere", "/users/me", "/openapi.json", "/docs"]
FRAMEWORKS_PAGES = [
    "", "/", "/anything", "/redoc", "/swagger", "/elements", "/rapidoc", "/openapi.json",
    "/openapi.yaml", "/openapi.yml", "/oauth2-redirect.html",
]  # fmt: skip
PAGE_FILES = {
    "/docs": "text/html; charset=utf-8",
    "/docs/page.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/favicon-32x32.png": "image/png",
    "/openapi.json": "application/json",
}
AN_ID = "6561a2b0c3d4e5f60718293a"
ALLOWED = {
    "/auth/request-otp": "OPTIONS, POST",
    "/users": "OPTIONS, POST",
    "/users/me": "DELETE, GET, HEAD, OPTIONS, PATCH",
    f"/users/{AN_ID}": "GET, HEAD, OPTIONS",
    "/library": "GET, HEAD, OPTIONS",
    "/library/upload": "OPTIONS, POST",
    f"/library/{AN_ID}": "DELETE, GET, HEAD, OPTIONS, PATCH",
    "/media/a-file": "GET, HEAD, OPTIONS",
    "/health/live": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
}


async def test_every_answer_carries_an_id_of_its_own_and_tells_sniffers_nothing(
    http: httpx.AsyncClient,
) -> None:
    answers = [await http.get(path) for path in PATHS]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)


async def test_every_json_answer_is_kept_by_no_cache(http: httpx.AsyncClient) -> None:
    for path in PATHS:
        answer = await http.get(path)
        if "json" in answer.headers["content-type"]:
            assert answer.headers["cache-control"] == "no-store", path


async def test_head_works_wherever_get_does(http: httpx.AsyncClient) -> None:
    for path in PATHS:
        got, head = await http.get(path), await http.head(path)
        assert head.status_code == got.status_code, path
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
    refused = await http.head("/auth/request-otp")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "OPTIONS, POST"


async def test_health_names_each_part(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health/live")).json() == {"status": "ok"}
    assert (await http.get("/health/ready")).json() == {
        "status": "ready",
        "database": "ok",
        "media": "ok",
        "messages": "ok",
    }


async def test_the_api_page_loads_nothing_from_other_hosts(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    assert all(one.startswith("/") and not one.startswith("//") for one in loaded)
    for one in loaded:
        assert (await http.get(one)).status_code == 200, one
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_frameworks_own_pages_are_not_there(http: httpx.AsyncClient) -> None:
    for name in FRAMEWORKS_PAGES:
        answer = await http.get(f"/schema{name}")
        assert answer.status_code == 404, name
        assert answer.headers["content-type"] == "application/json", name
        assert answer.json()["code"] == "not_found", name


async def test_every_content_type_names_its_charset_once(http: httpx.AsyncClient) -> None:
    for path, kind in PAGE_FILES.items():
        assert (await http.get(path)).headers["content-type"] == kind, path


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
async def test_options_and_a_refused_method_name_the_same_methods(
    http: httpx.AsyncClient, app: App, phone: str, path: str, allowed: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    options = await http.options(path, headers=headers)
    refused = await http.request("TRACE", path, headers=headers)
    assert (options.status_code, refused.status_code) == (204, 405)
    assert options.headers["allow"] == refused.headers["allow"] == allowed
    assert options.content == b""


async def test_options_is_no_method_of_the_older_apps_paths(http: httpx.AsyncClient) -> None:
    for path in ("/authenticate/get_otp", "/authenticate/validate_otp"):
        refused = await http.options(path)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "POST"


async def test_signing_out_takes_no_body_or_an_object_and_nothing_else(
    http: httpx.AsyncClient, app: App, phone: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    for body in (b"null", b"[]", b'"this"'):
        refused = await http.post("/auth/logout", content=body, headers=headers)
        assert refused.status_code == 400, body
        assert list(refused.json()["errors"]) == ["body"]
    assert (await http.post("/auth/logout", headers=headers)).status_code == 204

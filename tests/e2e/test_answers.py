"""What every answer carries, and HEAD, health and the description."""

import re

import httpx

PATHS = ["/health/live", "/health/ready", "/nowhere", "/users/me", "/openapi.json", "/docs"]


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


async def test_the_description_has_no_error_body_but_ours(http: httpx.AsyncClient) -> None:
    description = (await http.get("/openapi.json")).json()
    assert description["openapi"].startswith("3.1")
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation["operationId"], (path, method)
            assert operation["description"], (path, method)
            for status, response in operation["responses"].items():
                where = (path, method, status)
                assert response["description"], where
                for content in response.get("content", {}).values():
                    assert "status_code" not in content["schema"].get("required", ()) or (
                        path.startswith("/authenticate/")
                    ), where

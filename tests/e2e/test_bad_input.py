"""Invalid input gets the right status and the error body of its API, never a 500."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.app import App

LEGACY_PATHS = ["/authenticate/get_otp", "/authenticate/validate_otp"]
JSON = {"Content-Type": "application/json"}
LEGACY_BAD_REQUEST = "Bad Request/ Data format incorrect 400 Bad Request: "

NOT_JSON_OBJECTS = {
    "empty": b"",
    "a list": b"[]",
    "a form": b"phone=%2B14155552671",
    "not UTF-8": b'{"phone": "\xff\xfe"}',
    "deep nesting": b"[" * 30_000,
}


@pytest.mark.parametrize("path", LEGACY_PATHS)
@pytest.mark.parametrize("body", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
async def test_a_body_that_is_not_a_json_object_is_rejected_by_the_legacy_api(
    http: httpx.AsyncClient, path: str, body: bytes
) -> None:
    response = await http.post(path, content=body, headers=JSON)
    error = response.json()
    assert response.status_code == 400
    assert error["error"].startswith(LEGACY_BAD_REQUEST)
    assert (error["exit_code"], error["message"], error["status_code"]) == (4, "failed", 400)


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_ten_megabytes_of_json_are_rejected(
    http: httpx.AsyncClient, *, is_chunked: bool
) -> None:
    body = json.dumps({"phone": "1" * 10_000_000}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    main = await http.post("/auth/request-otp", content=chunks() if is_chunked else body)
    assert (main.status_code, main.json()["code"]) == (413, "body_too_large")
    legacy = await http.post("/authenticate/get_otp", content=chunks() if is_chunked else body)
    assert legacy.status_code == 400
    assert legacy.json()["error"].startswith(LEGACY_BAD_REQUEST)


async def test_an_unknown_path_is_404_with_and_without_a_token(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    for path in ("/nowhere", "/authenticated", "/auth", "/users/me/more", "/library/a/b", "/%00"):
        for headers in ({}, account.headers):
            response = await http.get(path, headers=headers)
            assert response.status_code == 404, path
            assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/authenticate", "/authenticate/", "/authenticate/get_profile"])
async def test_an_unknown_path_of_the_legacy_api_has_its_own_404(
    http: httpx.AsyncClient, path: str
) -> None:
    for method in ("GET", "POST", "OPTIONS", "DELETE"):
        response = await http.request(method, path)
        assert response.status_code == 404
        assert response.json()["error"].startswith("ARE YOU LOST :: 404 Not Found: ")
        assert response.json()["exit_code"] == 1


@pytest.mark.parametrize("path", LEGACY_PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
async def test_the_legacy_api_supports_post_only(
    http: httpx.AsyncClient, path: str, method: str
) -> None:
    response = await http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json() == {
        "error": "Method not allowed 405 Method Not Allowed: Only POST methods are allowed",
        "exit_code": 1,
        "message": "failed",
        "status_code": 405,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/request-otp"),
        ("DELETE", "/users"),
        ("PUT", "/library"),
        ("BREW", "/users"),
        ("TRACE", "/health/live"),
    ],
)
async def test_an_unsupported_method_is_405_with_an_allow_header(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"]
    assert response.json()["code"] == "method_not_allowed"


async def test_an_invalid_id_is_400_and_an_unknown_id_is_404(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    for invalid in ("1", "z" * 24, "a" * 25, "%ff", "%00", "a" * 5000, "\u0661" * 24):
        user = await http.get(f"/users/{invalid}", headers=account.headers)
        assert (user.status_code, user.json()["error"]) == (400, "Invalid user id")
        item = await http.get(f"/library/{invalid}", headers=account.headers)
        assert (item.status_code, item.json()["error"]) == (400, "Invalid item id")
        assert user.json()["code"] == item.json()["code"] == "invalid_id"
    user = await http.get(f"/users/{'a' * 24}", headers=account.headers)
    assert (user.status_code, user.json()["error"]) == (404, "User not found")
    item = await http.get(f"/library/{'a' * 24}", headers=account.headers)
    assert (item.status_code, item.json()["code"]) == (404, "item_not_found")


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ("", "Bearer"),
        ("Bearer", "Bearer"),
        ("Basic abc", "Bearer"),
        ("é", "Bearer"),
        ("Bearer a.b.c", 'Bearer error="invalid_token"'),
        ("Bearer " + "x" * 8000, 'Bearer error="invalid_token"'),
    ],
)
async def test_an_invalid_access_token_is_401(
    http: httpx.AsyncClient, header: str, challenge: str
) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    for path in ("/users/me", "/library"):
        response = await http.get(path, headers=headers)
        assert response.status_code == 401
        assert response.json()["code"] == "unauthenticated"
        assert response.headers["www-authenticate"] == challenge


async def test_a_missing_token_is_reported_before_an_invalid_body(http: httpx.AsyncClient) -> None:
    for path in ("/users", "/library/upload"):
        assert (await http.post(path, content=b"{")).status_code == 401
    assert (await http.patch("/users/me", content=b"{")).status_code == 401

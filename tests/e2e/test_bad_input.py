"""Invalid input gets the right status and the error body of its API, never a 500."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.app import App

LEGACY_PATHS = ["/authenticate/get_otp", "/authenticate/validate_otp"]
LEGACY_BAD_REQUEST = "Bad Request/ Data format incorrect 400 Bad Request: "


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

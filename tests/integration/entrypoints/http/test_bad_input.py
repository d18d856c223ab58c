"""Invalid input gets the right status and the error body of its API, never a 500."""

import json
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.http_app import open_http_client

JSON: Final = {"Content-Type": "application/json"}
BODY: Final = json.dumps({"phone": a_phone().e164}).encode()


@pytest.fixture
def harness() -> AppHarness:
    return AppHarness()


@pytest.fixture
async def http(harness: AppHarness) -> AsyncIterator[httpx.AsyncClient]:
    async with open_http_client(harness.use_cases) as client:
        yield client


@pytest.fixture
async def user(harness: AppHarness) -> dict[str, str]:
    """The header of a user."""
    await harness.add_user(a_phone(2))
    return bearer(await harness.access_token(a_phone(2)))


async def test_ten_megabytes_of_json_are_rejected(http: httpx.AsyncClient) -> None:
    body = json.dumps({"phone": "1" * 10_000_000}).encode()

    async def chunked() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for make in (lambda: body, chunked):
        main = await http.post("/auth/request-otp", content=make())
        assert (main.status_code, main.json()["code"]) == (413, "body_too_large")
        legacy = await http.post("/authenticate/get_otp", content=make())
        assert (legacy.status_code, legacy.json()["exit_code"]) == (400, 4)


async def test_a_byte_order_mark_before_json_is_ignored(http: httpx.AsyncClient) -> None:
    for path in ("/auth/request-otp", "/authenticate/get_otp"):
        response = await http.post(path, content=BOM_UTF8 + BODY, headers=JSON)
        assert response.status_code == 200
    twice = await http.post("/auth/request-otp", content=BOM_UTF8 * 2 + BODY, headers=JSON)
    assert twice.json()["field_errors"][0]["code"] == "invalid_json"


async def test_an_encoded_body_is_rejected(http: httpx.AsyncClient, user: dict[str, str]) -> None:
    encoded = {"Content-Encoding": "identity, GZIP", **user}
    upload = http.post("/library/upload", files={"file": ("a.gif", b"GIF89a")}, headers=encoded)
    paths = ("/auth/request-otp", "/auth/logout", "/users", "/authenticate/get_otp")
    sends = [http.post(path, content=BODY, headers=encoded | JSON) for path in paths]
    for response in [await send for send in (*sends, upload)]:
        assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
        assert response.json().get("code") in ("unsupported_content_encoding", None)
    # Without a body there is nothing to decode, and identity changes nothing.
    assert (await http.get("/users/me", headers=encoded)).status_code == 200
    same = {**JSON, "Content-Encoding": "Identity"}
    assert (await http.post("/auth/request-otp", content=BODY, headers=same)).status_code == 200


async def test_an_unknown_path_is_404_with_and_without_a_token(
    http: httpx.AsyncClient, user: dict[str, str]
) -> None:
    paths = ("/nowhere", "/authenticated", "/users/me/more", "/%00")
    # The framework would find a route.
    spelled = (
        "/users//me",
        "//users/me",
        "/users/me//",
        "/users%2fme",
        "/users/me%2F",
        "/%2Fusers/me",
    )
    for path in (*paths, *spelled):
        for headers in ({}, user):
            response = await http.get(f"{http.base_url}{path}", headers=headers)
            assert response.status_code == 404, path
            assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_the_legacy_api_has_errors_of_its_own_and_supports_post_only(
    http: httpx.AsyncClient, method: str
) -> None:
    for path, status, text in (
        ("", 404, "ARE YOU LOST :: 404 Not Found: "),
        ("/get_profile", 404, "ARE YOU LOST :: 404 Not Found: "),
        ("//get_otp", 404, "ARE YOU LOST :: 404 Not Found: "),
        ("/get_otp", 405, "Only POST methods are allowed"),
    ):
        response = await http.request(method, f"/authenticate{path}")
        assert response.status_code == response.json()["status_code"] == status
        assert text in response.json()["error"]
        assert response.json()["exit_code"] == 1
        assert response.headers.get("allow") == ("POST" if status == 405 else None)


async def test_an_invalid_access_token_is_401(http: httpx.AsyncClient) -> None:
    invalid = 'Bearer error="invalid_token"'
    for header, challenge in (
        ("Bearer", "Bearer"),
        ("é", "Bearer"),
        ("Bearer a.b.c", invalid),
        ("Bearer " + "x" * 8000, invalid),
    ):
        headers = {b"Authorization": header.encode("latin-1")}
        response = await http.get("/users/me", headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
        assert response.headers["www-authenticate"] == challenge

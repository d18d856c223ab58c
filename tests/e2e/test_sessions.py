"""Sessions: refresh, list and end them."""

from typing import Any

import httpx

from tests.e2e.app import App, bearer


async def sign_in(app: App, phone: str, **fields: Any) -> dict[str, Any]:
    requested = await app.http.post("/auth/request-otp", json={"phone": phone})
    assert requested.status_code == 200, requested.text
    body = {"phone": phone, "otp": app.service.code(phone), "refresh": True, **fields}
    verified = await app.http.post("/auth/verify-otp", json=body)
    tokens: dict[str, Any] = verified.json()
    assert tokens["success"] is True, verified.text
    return tokens


async def refresh(app: App, token: str) -> httpx.Response:
    return await app.http.post("/auth/refresh", json={"refresh_token": token})


async def list_sessions(app: App, token: str) -> httpx.Response:
    return await app.http.get("/auth/sessions", headers=bearer(token))


async def test_a_refresh_token_is_exchanged_for_new_tokens(app: App, phone: str) -> None:
    first = await sign_in(app, phone)
    assert first["expires_in"] == 900
    assert first["refresh_expires_in"] == 90 * 24 * 3600

    response = await refresh(app, first["refresh_token"])

    second = response.json()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert second.keys() == {
        "access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in",
    }  # fmt: skip
    assert (await list_sessions(app, second["access_token"])).status_code == 200


async def test_without_refresh_there_is_one_long_lived_token(app: App, phone: str) -> None:
    tokens = await sign_in(app, phone, refresh=False)

    assert tokens["expires_in"] == 90 * 24 * 3600
    assert "refresh_token" not in tokens
    assert "refresh_expires_in" not in tokens

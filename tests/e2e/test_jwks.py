"""The JWKS endpoint, as another service uses it to verify our tokens."""

from datetime import timedelta
from typing import Any

import httpx
import jwt

from tests.e2e.app import App

PRIVATE_MEMBERS = {"d", "p", "q", "k", "key"}


async def test_a_token_can_be_verified_with_the_jwks_alone(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    requested = await http.post("/auth/request-otp", json={"phone": phone})
    assert requested.status_code == 200
    body = {"phone": phone, "otp": app.service.code(phone), "refresh": True}
    token = (await http.post("/auth/verify-otp", json=body)).json()["access_token"]
    jwks = jwt.PyJWKSet.from_dict((await http.get("/.well-known/jwks.json")).json())

    key = jwks[jwt.get_unverified_header(token)["kid"]]
    payload: dict[str, Any] = jwt.decode(
        token, key, ["ES256"], audience="dialtone", issuer="dialtone"
    )

    assert payload["exp"] - payload["iat"] == timedelta(minutes=15).total_seconds()


async def test_the_jwks_follows_rfc_7517_without_private_members(
    http: httpx.AsyncClient,
) -> None:
    response = await http.get("/.well-known/jwks.json")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    (key,) = response.json()["keys"]
    assert key.keys() == {"kty", "crv", "use", "alg", "kid", "x", "y"}
    assert key.keys().isdisjoint(PRIVATE_MEMBERS)
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert (len(key["x"]), len(key["y"])) == (43, 43)

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
    account = await app.sign_up(phone)
    jwks = jwt.PyJWKSet.from_dict((await http.get("/.well-known/jwks.json")).json())

    key = jwks[jwt.get_unverified_header(account.token)["kid"]]
    payload: dict[str, Any] = jwt.decode(
        account.token, key, ["ES256"], audience="dialtone", issuer="dialtone"
    )

    assert payload["sub"] == account.user_id
    assert payload["exp"] - payload["iat"] == timedelta(days=90).total_seconds()


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


async def test_the_jwks_is_public_and_ignores_tokens(http: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        response = await http.get("/.well-known/jwks.json", headers=headers)
        assert response.status_code == 200
    assert (await http.head("/.well-known/jwks.json")).status_code == 200
    assert (await http.post("/.well-known/jwks.json")).status_code == 405

"""The JWKS endpoint, as another service uses it to verify our tokens."""

from datetime import timedelta
from typing import Any

import httpx
import jwt

from tests.e2e.app import App


async def test_a_token_can_be_verified_with_the_jwks_alone(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    requested = await http.post("/auth/request-otp", json={"phone": phone})
    assert requested.status_code == 200
    body = {"phone": phone, "otp": app.service.code(phone), "refresh": True}
    token = (await http.post("/auth/verify-otp", json=body)).json()["access_token"]
    response = await http.get("/.well-known/jwks.json")

    assert response.headers["cache-control"] == "no-store"
    (published,) = response.json()["keys"]
    # RFC 7517, without private members.
    assert published.keys() == {"kty", "crv", "use", "alg", "kid", "x", "y"}
    key = jwt.PyJWKSet.from_dict(response.json())[jwt.get_unverified_header(token)["kid"]]
    payload: dict[str, Any] = jwt.decode(
        token, key, ["ES256"], audience="dialtone", issuer="dialtone"
    )
    assert payload["exp"] - payload["iat"] == timedelta(minutes=15).total_seconds()

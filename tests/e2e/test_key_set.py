"""The published keys, as somebody uses them who checks tokens without asking us."""

from datetime import timedelta
from typing import Any

import httpx
import jwt

from tests.e2e.app import App

PRIVATE_MEMBERS = {"d", "p", "q", "k", "key"}


async def test_a_token_is_checked_with_nothing_but_the_key_set(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    key_set = jwt.PyJWKSet.from_dict((await http.get("/.well-known/jwks.json")).json())

    key = key_set[jwt.get_unverified_header(account.token)["kid"]]
    read: dict[str, Any] = jwt.decode(
        account.token, key, ["ES256"], audience="dialtone", issuer="dialtone"
    )

    assert read["sub"] == account.user_id
    assert read["exp"] - read["iat"] == timedelta(days=90).total_seconds()


async def test_the_key_set_has_the_form_of_rfc_7517_and_nothing_private(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/.well-known/jwks.json")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "use", "alg", "kid", "x", "y"}
    assert key.keys().isdisjoint(PRIVATE_MEMBERS)
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert (len(key["x"]), len(key["y"])) == (43, 43)


async def test_the_key_set_needs_no_token_and_minds_none(http: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = await http.get("/.well-known/jwks.json", headers=headers)
        assert answer.status_code == 200
    assert (await http.head("/.well-known/jwks.json")).status_code == 200
    assert (await http.post("/.well-known/jwks.json")).status_code == 405

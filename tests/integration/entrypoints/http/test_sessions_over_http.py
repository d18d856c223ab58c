"""The life of a session, as apps and gateways see it. Each response is as it is described."""

from typing import Final

import jwt

from domain.token_issuers import DEFAULT_ISSUER
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings

PHONE: Final = a_phone().e164
PUBLIC_URL: Final = "https://api.example.org"


async def test_a_session_is_opened_refreshed_listed_and_ended() -> None:
    harness = AppHarness()
    async with open_http_client(harness.use_cases) as http:
        await http.post("/auth/request-otp", json={"phone": PHONE})
        body = {"phone": PHONE, "otp": harness.last_code, "refresh": True}
        first = (await http.post("/auth/verify-otp", json=body)).json()
        old = {"refresh_token": first["refresh_token"]}
        second = (await http.post("/auth/refresh", json=old)).json()
        jwks = jwt.PyJWKSet.from_dict((await http.get("/.well-known/jwks.json")).json())
        token = second["access_token"]
        key = jwks[jwt.get_unverified_header(token)["kid"]]
        options = jwt.types.Options(verify_exp=False)
        jwt.decode(token, key, ["ES256"], options, audience="app", issuer=DEFAULT_ISSUER)

        [session] = (await http.get("/auth/sessions", headers=bearer(token))).json()["sessions"]
        path = f"/auth/sessions/{session['id']}"
        assert (await http.delete(path, headers=bearer(token))).status_code == 204
        ended = {"refresh_token": second["refresh_token"]}
        assert (await http.post("/auth/logout", json=ended)).status_code == 204


async def test_the_older_app_signs_in_again_with_the_same_code() -> None:
    harness = AppHarness()
    async with open_http_client(harness.use_cases) as http:
        await http.post("/authenticate/get_otp", json={"phone": PHONE})
        body = {"phone": PHONE, "otp": harness.last_code}
        for _ in range(2):
            verified = (await http.post("/authenticate/validate_otp", json=body)).json()
            assert verified["access_token"]
            assert "refresh_token" not in verified


async def test_an_issuer_that_is_a_url_has_metadata() -> None:
    settings = make_http_settings(PUBLIC_URL, token_issuer=PUBLIC_URL)
    async with open_http_client(AppHarness().use_cases, settings) as http:
        metadata = (await http.get("/.well-known/openid-configuration")).json()
    assert (metadata["issuer"], metadata["jwks_uri"]) == (
        PUBLIC_URL,
        f"{PUBLIC_URL}/.well-known/jwks.json",
    )

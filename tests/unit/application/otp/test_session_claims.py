"""Claims that the check of a login gives to its session."""

from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from adapters.jwt.access_tokens import MAX_TOKEN_LENGTH
from application.identities.extensions import AllowLogin, PendingLogin
from application.identities.login import LoggedIn
from application.identities.session_factory import Tokens
from application.ports.errors import ExtensionFailed, StorageUnavailable
from tests.support.builders import CLIENT_IP, a_parsed_token, a_phone
from tests.support.core_harness import CoreHarness


def app_claims_of(tokens: Tokens) -> Any:
    return jwt.decode(tokens.access_token, options={"verify_signature": False}).get("app")


def add(app: CoreHarness, claims: Any, name: str = "acme") -> list[PendingLogin]:
    """Let an extension allow logins with these claims; return those that it is asked about."""
    asked = []

    async def check(login: PendingLogin) -> AllowLogin:
        asked.append(login)
        return AllowLogin(claims)

    app.identities.extensions.session_checks[name] = check
    return asked


async def refresh(app: CoreHarness, tokens: Tokens) -> Tokens:
    token = a_parsed_token(tokens.refresh_token)
    return await app.identities.refresh_session(token, CLIENT_IP)


async def test_a_session_keeps_the_claims_of_its_login(app: CoreHarness) -> None:
    add(app, {"plan": "free", "shop": 7}, "first")
    add(app, {"plan": "goldé"}, "second")
    request_id = (await app.request_otp()).request_id
    # The session is not saved: the retry is not asked about again.
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    add(app, {}, "second")
    login = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    repeated = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert isinstance(repeated, LoggedIn)
    refreshed = await refresh(app, login.tokens)
    for tokens in (login.tokens, repeated.tokens, refreshed, await refresh(app, refreshed)):
        assert app_claims_of(tokens) == {"plan": "goldé", "shop": 7}

    # Another session has its own, and a long-lived token none.
    other = await app.open_session(with_refresh=True)
    assert app_claims_of(other.tokens) == {"plan": "free", "shop": 7}
    assert app_claims_of((await app.open_session()).tokens) is None
    assert app_claims_of(await refresh(app, refreshed)) == {"plan": "goldé", "shop": 7}


WRONG = [
    None, ["plan"], {1: "plan"}, {"plan": object()}, {"plan": "x" * 502}, {"plan": "é" * 84},
    {"plan": "a\0"}, {"of": ({"a\0": 1},)},
]  # fmt: skip


@pytest.mark.parametrize("claims", WRONG, ids=lambda claims: repr(claims)[:20])
async def test_wrong_claims_are_no_decision(app: CoreHarness, claims: Any) -> None:
    add(app, claims)
    await app.request_otp()
    before = app.database.phone_verifications[a_phone()]
    with pytest.raises(ExtensionFailed, match="extension acme: its claims "):
        await app.verify_otp(app.last_code)
    assert app.database.phone_verifications[a_phone()] == before
    add(app, {"plan": "x" * 501})
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


async def test_a_token_with_all_claims_at_their_greatest_is_accepted(app: CoreHarness) -> None:
    async def of_extension(_: str) -> Mapping[str, Any]:
        return {"a": "é" * 82}

    app.identities.extensions.token_claims.update(first=of_extension, second=of_extension)
    add(app, {"plan": "é" * 83})
    tokens = (await app.open_session(with_refresh=True)).tokens
    # A user's own claims may have as many bytes as those of the session.
    assert len(tokens.access_token) + 512 * 4 / 3 < MAX_TOKEN_LENGTH
    principal = await app.identities.authenticate(tokens.access_token)
    assert principal.session.claims

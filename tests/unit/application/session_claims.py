"""The claims that a login hook gives to a session."""

from collections.abc import Mapping
from typing import Any

import jwt

from application.identities.extensions import AllowLogin, PendingLogin
from application.identities.session_factory import Tokens
from tests.support.builders import CLIENT_IP, a_parsed_token
from tests.support.core_harness import CoreHarness


def app_claims_of(tokens: Tokens) -> Any:
    return jwt.decode(tokens.access_token, options={"verify_signature": False}).get("app")


def allow_with(app: CoreHarness, claims: Mapping[str, Any]) -> None:
    """Let the hook allow logins with these claims."""

    async def ask(_: PendingLogin) -> AllowLogin:
        return AllowLogin(claims)

    app.identities.extensions.login_hook = ask


async def refresh(app: CoreHarness, tokens: Tokens) -> Tokens:
    token = a_parsed_token(tokens.refresh_token)
    return await app.identities.refresh_session(token, CLIENT_IP)

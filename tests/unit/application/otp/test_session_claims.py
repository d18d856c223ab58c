"""Claims that the login hook gives to a session."""

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.security.jwt.access_tokens import MAX_TOKEN_LENGTH
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from tests.support.core_harness import CoreHarness
from tests.unit.application.session_claims import allow_with, app_claims_of, refresh


async def test_a_session_keeps_the_claims_of_its_login(app: CoreHarness) -> None:
    allow_with(app, {"plan": "goldé", "shop": 7})
    request_id = (await app.request_otp()).request_id
    # The session is not saved: the retry is not asked about again.
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    allow_with(app, {"plan": "free"})
    login = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    repeated = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert isinstance(repeated, LoggedIn)
    refreshed = await refresh(app, login.tokens)
    for tokens in (login.tokens, repeated.tokens, refreshed, await refresh(app, refreshed)):
        assert app_claims_of(tokens) == {"plan": "goldé", "shop": 7}

    # Another session has its own, and a long-lived token none.
    other = await app.open_session(with_refresh=True)
    assert app_claims_of(other.tokens) == {"plan": "free"}
    assert app_claims_of((await app.open_session()).tokens) is None
    assert app_claims_of(await refresh(app, refreshed)) == {"plan": "goldé", "shop": 7}


async def test_a_token_with_all_claims_at_their_greatest_is_accepted(app: CoreHarness) -> None:
    async def of_extension(_: str) -> Mapping[str, Any]:
        return {"a": "é" * 82}

    app.identities.extensions.token_claims.update(first=of_extension, second=of_extension)
    allow_with(app, {"plan": "é" * 83})
    tokens = (await app.open_session(with_refresh=True)).tokens
    # A user's own claims may have as many bytes as those of the session.
    assert len(tokens.access_token) + 512 * 4 / 3 < MAX_TOKEN_LENGTH
    principal = await app.identities.authenticate(tokens.access_token)
    assert principal.session.claims

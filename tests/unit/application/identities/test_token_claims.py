"""Claims that extensions add to short-lived access tokens."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import pytest

from application.identities.session_factory import Tokens
from application.otp.log_in import LoggedIn
from application.ports.errors import ExtensionFailed, StorageUnavailable
from domain.errors import InvalidRefreshToken
from tests.support.builders import CLIENT_IP
from tests.support.core_harness import CoreHarness
from tests.unit.application.session_claims import allow_with, app_claims_of, refresh


def claims_of(tokens: Tokens) -> Any:
    payload = jwt.decode(tokens.access_token, options={"verify_signature": False})
    assert {*payload} - {"x"} == {"iss", "aud", "iat", "exp", "sub", "sid", "gen", "amr"}
    return payload.get("x")


def add(app: CoreHarness, name: str, claims: Any) -> list[str]:
    """Let an extension return these claims, or raise them; return the ids that it is asked for."""
    asked = []

    async def load(identity_id: str) -> Mapping[str, Any]:
        asked.append(identity_id)
        if isinstance(claims, BaseException):
            raise claims
        returned: Mapping[str, Any] = claims
        return returned

    app.identities.extensions.token_claims[name] = load
    return asked


async def test_a_login_its_repeat_and_each_refresh_have_the_claims_of_that_moment(
    app: CoreHarness,
) -> None:
    plan = {"plan": "free", "sub": "somebody else"}
    asked = add(app, "acme", plan)
    add(app, "silent", {})
    request_id = (await app.request_otp()).request_id
    login = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert claims_of(login.tokens) == {"acme": {"plan": "free", "sub": "somebody else"}}

    plan["plan"] = "gold"
    repeated = await app.verify_otp(app.last_code, request_id=request_id)
    assert isinstance(repeated, LoggedIn)
    tokens = await refresh(app, repeated.tokens)
    again = await refresh(app, repeated.tokens)
    for each in (repeated.tokens, tokens, again):
        assert claims_of(each)["acme"]["plan"] == "gold"

    assert asked == [login.identity.id] * 4
    principal = await app.identities.authenticate(tokens.access_token)
    assert principal.identity.id == login.identity.id


async def test_a_long_lived_token_has_no_claims_and_no_extension_is_asked(app: CoreHarness) -> None:
    asked = add(app, "acme", {"plan": "free"})
    login = await app.open_session()
    payload = jwt.decode(login.tokens.access_token, options={"verify_signature": False})
    assert ("x" in payload, asked) == (False, [])


async def test_a_refresh_token_that_is_not_ours_or_was_reused_asks_no_extension(
    app: CoreHarness,
) -> None:
    first = (await app.open_session(with_refresh=True)).tokens
    second = await refresh(app, first)
    await refresh(app, second)
    asked = add(app, "acme", OSError())
    with pytest.raises(InvalidRefreshToken):
        await refresh(app, first)
    with pytest.raises(InvalidRefreshToken):
        await app.identities.refresh_session(None, CLIENT_IP)
    assert asked == []
    assert not app.database.identities[next(iter(app.database.identities))].value.sessions


class BrokenMapping(dict[str, Any]):
    """A mapping that fails when it is read."""

    def __iter__(self) -> Iterator[str]:
        raise OSError("plan of +14155552671")


WRONG = [
    None,
    {"plans": [{"1": "free", 1: "gold"}]},
    BrokenMapping(plan="free"),
    {"plan": "\ud800"},
    {"plan": "é" * 100},
    OSError("plan of +14155552671"),
    SystemExit(1),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("claims", WRONG, ids=lambda claims: repr(claims)[:30])
async def test_without_right_claims_nothing_is_lost(
    app: CoreHarness, caplog: pytest.LogCaptureFixture, claims: Any
) -> None:
    caplog.set_level(logging.CRITICAL)
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    right = {"plan": "free"}
    add(app, "acme", claims)
    with pytest.raises(ExtensionFailed, match="extension acme: ") as raised:
        await app.verify_otp(code, request_id=request_id, with_refresh=True)
    assert "4155552671" not in str(raised.value)

    add(app, "acme", right)
    login = await app.verify_otp(code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert claims_of(login.tokens) == {"acme": right}

    add(app, "acme", claims)
    before = dict(app.database.identities)
    with pytest.raises(ExtensionFailed, match="extension acme: "):
        await refresh(app, login.tokens)
    assert app.database.identities == before

    add(app, "acme", right)
    app.advance(60)  # longer than a refresh is repeated
    assert claims_of(await refresh(app, login.tokens)) == {"acme": right}


async def test_claims_that_take_too_long_fail(app: CoreHarness) -> None:
    async def hang(_: str) -> Mapping[str, Any]:
        while True:  # also if it is cancelled
            try:
                await asyncio.sleep(5)  # an extension that hangs
            except asyncio.CancelledError:
                return {}

    app.identities.extensions.token_claims["acme"] = hang
    with pytest.raises(ExtensionFailed, match="extension acme: no answer in time"):
        await app.open_session(with_refresh=True)


async def test_all_claims_together_leave_the_token_short(app: CoreHarness) -> None:
    def of_bytes(size: int) -> Mapping[str, str]:
        return {"a": "é" * (size // 6)}

    add(app, "first", of_bytes(492))
    add(app, "second", of_bytes(492))
    login = await app.open_session(with_refresh=True)
    add(app, "third", {"a": 1})
    add(app, "fourth", {"a": "x" * 40})
    with pytest.raises(ExtensionFailed, match="first, second, third, fourth"):
        await refresh(app, login.tokens)


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

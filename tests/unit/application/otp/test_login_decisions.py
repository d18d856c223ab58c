"""What is decided about a login before its session is opened."""

import asyncio

import pytest

from application.identities.events import LoginRejectedByHook, LoginSucceeded
from application.identities.extensions import AllowLogin, PendingLogin, RejectLogin
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from domain.errors import LoginRejected
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness, wrong_code


def decide(app: CoreHarness, decision: AllowLogin | RejectLogin) -> list[PendingLogin]:
    """Let the hook decide so; return the logins that it is asked about."""
    asked = []

    async def ask(login: PendingLogin) -> AllowLogin | RejectLogin:
        asked.append(login)
        return decision

    app.identities.extensions.login_hook = ask
    return asked


async def test_the_hook_is_asked_once_for_each_login(app: CoreHarness) -> None:
    asked = decide(app, AllowLogin())
    request_id = (await app.request_otp()).request_id
    assert isinstance(await app.verify_otp(wrong_code(app.last_code)), OtpRejected)
    first = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    again = await app.verify_otp(app.last_code, request_id=request_id)
    assert isinstance(first, LoggedIn)
    assert isinstance(again, LoggedIn)
    await app.open_session()
    assert [login.user_id for login in asked] == [None, first.identity.id]


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_rejected_login_uses_its_code(app: CoreHarness, *, is_known: bool) -> None:
    user_id = (await app.open_session()).identity.id if is_known else None
    app.advance(hours=12)
    sessions = app.database.identities
    asked = decide(app, RejectLogin("Your account is suspended."))
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    assert holds_permits(app)
    assert isinstance(await app.verify_otp(wrong_code(code)), OtpRejected)
    app.events.recorded.clear()

    with pytest.raises(LoginRejected) as raised:
        await app.verify_otp(code, request_id=request_id)

    assert raised.value.message == "Your account is suspended."
    assert app.events.recorded == [
        LoginRejectedByHook(
            phone=a_phone(),
            user_id=user_id,
            reason="Your account is suspended.",
        )
    ]
    assert len(asked) == 1
    assert app.database.identities == sessions
    # It is used.
    for sent_id in (request_id, None):
        assert isinstance(await app.verify_otp(code, request_id=sent_id), OtpRejected)
    assert len(asked) == 1
    assert not holds_permits(app)

    decide(app, AllowLogin())
    assert (await app.open_session()).identity.id == user_id or not is_known


def holds_permits(app: CoreHarness) -> bool:
    """Return whether a message holds permits of the limits that many phones share."""
    stored = app.database.phone_verifications[a_phone()].value
    return any(delivery.permits for delivery in stored.deliveries.all)


@pytest.mark.parametrize(
    ("decisions", "results"),
    [
        ([AllowLogin(), RejectLogin("no")], [LoggedIn, LoginRejected]),
        ([RejectLogin("no"), AllowLogin()], [LoginRejected, OtpRejected]),
    ],
)
async def test_the_first_of_two_decisions_about_the_same_code_wins(
    app: CoreHarness, decisions: list[AllowLogin | RejectLogin], results: list[type]
) -> None:
    delays = [1, 2]

    async def ask(_: PendingLogin) -> AllowLogin | RejectLogin:
        decision = decisions.pop(0)
        await asyncio.sleep(delays.pop(0))  # the other request asks too
        return decision

    app.identities.extensions.login_hook = ask
    request_id = (await app.request_otp()).request_id
    made = await asyncio.gather(
        *(app.verify_otp(app.last_code, request_id=request_id) for _ in range(2)),
        return_exceptions=True,
    )
    assert [type(result) for result in made] == results
    assert app.events.types.count(LoginSucceeded) == (LoggedIn in results)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("  " + "x" * 200, "x" * 200), ("x" * 201, "x" * 199 + "…"), ("\ud800", "?")],
)
async def test_the_text_has_at_most_200_characters(app: CoreHarness, text: str, shown: str) -> None:
    decide(app, RejectLogin(text))
    with pytest.raises(LoginRejected) as raised:
        await app.open_session()
    assert raised.value.message == shown

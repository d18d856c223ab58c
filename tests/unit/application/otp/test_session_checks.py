"""Checks of extensions, which are asked before a session is opened."""

import asyncio
from typing import Any

import pytest

from application.identities.events import LoginRejectedByExtension, LoginSucceeded
from application.identities.extensions import AllowLogin, PendingLogin, RejectLogin
from application.identities.login import LoggedIn
from application.otp.events import OtpVerificationFailed
from application.otp.verify_otp import OtpRejected
from application.ports.errors import ExtensionFailed, StorageUnavailable
from domain.errors import LoginRejected
from domain.otp.delivery import Channel
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness, wrong_code

OTHER_IP = "198.51.100.20"


def add(app: CoreHarness, decision: Any, name: str = "acme") -> list[PendingLogin]:
    """Let an extension decide so, or raise it; return the logins that it is asked about."""
    asked = []

    async def check(login: PendingLogin) -> AllowLogin | RejectLogin:
        asked.append(login)
        if isinstance(decision, BaseException):
            raise decision
        returned: AllowLogin | RejectLogin = decision
        return returned

    app.identities.extensions.session_checks[name] = check
    return asked


async def test_a_check_is_asked_once_for_each_login(app: CoreHarness) -> None:
    asked = add(app, AllowLogin())
    request_id = (await app.request_otp()).request_id
    assert isinstance(await app.verify_otp(wrong_code(app.last_code)), OtpRejected)
    first = await app.verify_otp(
        app.last_code, request_id=request_id, device="Pixel 9", with_refresh=True
    )
    again = await app.verify_otp(app.last_code, request_id=request_id)
    assert isinstance(first, LoggedIn)
    assert isinstance(again, LoggedIn)
    second = await app.open_session(device_token=first.device_token)
    assert second.identity.id == first.identity.id
    new = PendingLogin(
        user_id=None, channel=Channel.SMS, device="Pixel 9", is_device_recognized=False
    )
    known = PendingLogin(
        user_id=first.identity.id, channel=Channel.SMS, device=None, is_device_recognized=True
    )
    assert asked == [new, known]


async def test_a_login_whose_session_was_not_saved_is_completed_without_another_question(
    app: CoreHarness,
) -> None:
    asked = add(app, AllowLogin())
    request_id = (await app.request_otp()).request_id
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code, request_id=request_id)
    assert isinstance(await app.verify_otp(app.last_code, request_id=request_id), LoggedIn)
    assert len(asked) == 1


async def test_a_deleted_account_is_none_that_logs_in(app: CoreHarness) -> None:
    await app.identities.delete_user(await app.add_user())
    asked = add(app, AllowLogin())
    await app.open_session()
    assert [login.user_id for login in asked] == [None]


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_rejected_login_uses_its_code(app: CoreHarness, *, is_known: bool) -> None:
    user_id = (await app.open_session()).identity.id if is_known else None
    app.advance(hours=12)
    sessions = app.database.identities
    asked = add(app, RejectLogin("Your account is suspended."), "first")
    never_asked = add(app, AllowLogin(), "second")
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    assert holds_permits(app)
    assert isinstance(await app.verify_otp(wrong_code(code)), OtpRejected)
    app.events.recorded.clear()

    with pytest.raises(LoginRejected) as raised:
        await app.verify_otp(code, request_id=request_id)

    assert raised.value.message == "Your account is suspended."
    assert app.events.recorded == [
        LoginRejectedByExtension(
            phone=a_phone(),
            user_id=user_id,
            extension="first",
            reason="Your account is suspended.",
        )
    ]
    assert (len(asked), never_asked) == (1, [])
    assert app.database.identities == sessions
    # It is the right code: nothing of it counts as a failure, and it is used.
    left = await app.verify_otp(wrong_code(code, 2), request_id=request_id)
    assert isinstance(left, OtpRejected)
    for sent_id in (request_id, None):
        assert isinstance(await app.verify_otp(code, request_id=sent_id), OtpRejected)
    assert len(asked) == 1
    assert not holds_permits(app)

    add(app, AllowLogin(), "first")
    assert (await app.open_session()).identity.id == user_id or not is_known


def holds_permits(app: CoreHarness) -> bool:
    """Return whether a message holds permits of the limits that many phones share."""
    stored = app.database.phone_verifications[a_phone()].value
    return any(delivery.permits for delivery in stored.deliveries)


FAILURES: list[Any] = [
    None,
    True,
    "AllowLogin",
    AllowLogin,
    OSError("+14155552671"),
    SystemExit(1),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("decision", FAILURES, ids=repr)
async def test_without_a_decision_the_code_stays_good_and_nothing_counts(
    app: CoreHarness, decision: Any
) -> None:
    add(app, decision)
    request_id = (await app.request_otp()).request_id
    code, before = app.last_code, app.database.phone_verifications[a_phone()]
    for _ in range(10):
        with pytest.raises(ExtensionFailed, match="extension acme: "):
            await app.verify_otp(code, request_id=request_id)
    assert app.database.phone_verifications[a_phone()] == before
    assert OtpVerificationFailed not in app.events.types

    add(app, AllowLogin())
    # From another network too, and without the id.
    assert isinstance(await app.verify_otp(code, client_ip=OTHER_IP), LoggedIn)


async def test_all_checks_together_have_three_seconds(app: CoreHarness) -> None:
    async def wait(_: PendingLogin) -> AllowLogin:
        await asyncio.sleep(2)  # of the three seconds
        return AllowLogin()

    app.identities.extensions.session_checks.update(first=wait, second=wait)
    with pytest.raises(ExtensionFailed, match="extension second: no answer in time in its check"):
        await app.open_session()


@pytest.mark.parametrize(
    ("decisions", "results"),
    [
        ([AllowLogin(), AllowLogin()], [LoggedIn, LoggedIn]),
        ([RejectLogin("no"), RejectLogin("no")], [LoginRejected, LoginRejected]),
        ([AllowLogin(), RejectLogin("no")], [LoggedIn, LoginRejected]),
        ([RejectLogin("no"), AllowLogin()], [LoginRejected, OtpRejected]),
    ],
)
async def test_the_first_of_two_decisions_about_the_same_code_wins(
    app: CoreHarness, decisions: list[AllowLogin | RejectLogin], results: list[type]
) -> None:
    delays = [1, 2]

    async def check(_: PendingLogin) -> AllowLogin | RejectLogin:
        decision = decisions.pop(0)
        await asyncio.sleep(delays.pop(0))  # the other request asks too
        return decision

    app.identities.extensions.session_checks["acme"] = check
    request_id = (await app.request_otp()).request_id
    made = await asyncio.gather(
        *(app.verify_otp(app.last_code, request_id=request_id) for _ in range(2)),
        return_exceptions=True,
    )
    assert [type(result) for result in made] == results
    assert app.events.types.count(LoginSucceeded) == (LoggedIn in results)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("  " + "x" * 200, "x" * 200), ("x" * 201, "x" * 199 + "…"), ("\ud800", "?"), (None, "")],
)
async def test_the_text_has_at_most_200_characters(app: CoreHarness, text: Any, shown: str) -> None:
    add(app, RejectLogin(text))
    with pytest.raises(LoginRejected) as raised:
        await app.open_session()
    assert raised.value.message == shown

"""Signing in to the web console, and out, and what ends its sessions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from application.features.console.feature import ConsoleDetails, ConsoleFeature
from application.features.console.sign_in import (
    ConsoleSignedIn,
    ConsoleSignedOut,
    ConsoleSignInCommand,
    ConsoleSignInFailed,
    ConsoleSignInSucceeded,
    ConsoleUser,
)
from application.identities.sessions import LogoutScope
from application.otp.verify_otp import OtpRejected
from application.principal import Principal
from domain.errors import IncorrectOtp, TooManyOtpRequests, Unauthenticated
from domain.features.console import parse_cookie
from domain.identities.device_token import DeviceToken
from domain.identities.role import Role
from domain.otp.challenge import OtpCode, Purpose, parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.acts import show
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import wrong_code

ADMINISTRATOR: Final = a_phone(2)
MEMBER: Final = a_phone(1)
NEW_IP: Final = "203.0.113.9"
"""Where nobody signed in to the app."""


async def request_code(
    app: AppHarness,
    phone: PhoneNumber = ADMINISTRATOR,
    client_ip: str = CLIENT_IP,
    browser: DeviceToken | None = None,
    hours: float = 12,
) -> str:
    """Request a code for the console in a browser, and return the id of the request."""
    app.advance(hours=hours)
    result = await app.request_otp(
        phone, client_ip, device_token=browser, purpose=Purpose.CONSOLE_SIGN_IN
    )
    return result.request_id


async def enter(
    app: AppHarness,
    code: str,
    request_id: str,
    phone: PhoneNumber = ADMINISTRATOR,
    browser: DeviceToken | None = None,
) -> ConsoleSignedIn:
    """Enter a code in a browser with this device token."""
    command = ConsoleSignInCommand(
        phone=phone,
        code=parse_otp_code(code),
        request_id=request_id,
        client_ip=CLIENT_IP,
        device_token=browser,
    )
    return await app.use_cases.of(ConsoleFeature).sign_in(command)


async def sign_in(app: AppHarness) -> ConsoleSignedIn:
    request_id = await request_code(app)
    return await enter(app, app.last_code, request_id)


async def authenticate(app: AppHarness, cookie: str) -> ConsoleUser:
    return await app.use_cases.of(ConsoleFeature).authenticate(cookie)


def browsers(app: AppHarness) -> Mapping[str, Any]:
    """The records of browsers, by the id of the identity."""
    return app.database.records.tables["console_devices"]


@pytest.fixture
async def app(app: AppHarness) -> AppHarness:
    """A service with an administrator."""
    await app.add_administrator(ADMINISTRATOR)
    return app


@pytest.fixture
async def administrator(app: AppHarness) -> Principal:
    return await app.log_in(ADMINISTRATOR)


async def test_an_administrator_signs_in_and_acts_by_name(
    app: AppHarness, administrator: Principal
) -> None:
    cookie = (await sign_in(app)).cookie
    assert app.events.recorded[-1] == ConsoleSignInSucceeded(
        phone=ADMINISTRATOR, user_id=administrator.identity.id
    )
    user = await authenticate(app, cookie)
    assert user.operator.actor.id == administrator.identity.id
    assert user.operator.has_fresh_login
    app.advance(minutes=2)
    app.faults.fail_on("console_sessions.replace")
    await authenticate(app, cookie)  # a use that cannot be recorded
    app.faults.reset()
    for _ in range(2):
        app.advance(minutes=12)
        await authenticate(app, cookie)
    # It is no session of the app, and the database has only a hash of its secret.
    stored = app.database.identities[administrator.identity.id].value
    assert len(stored.sessions) == len(administrator.identity.sessions)
    parsed = parse_cookie(cookie)
    (row,) = app.database.records.tables["console_sessions"].values()
    assert parsed is not None
    assert parsed[1] not in repr(row)


async def test_a_code_is_for_the_app_or_for_the_console(app: AppHarness) -> None:
    app.advance(hours=12)
    result = await app.request_otp(ADMINISTRATOR)
    with pytest.raises(IncorrectOtp):
        await enter(app, app.last_code, result.request_id)
    request_id = await request_code(app)
    for named in (request_id, None):
        rejected = await app.verify_otp(app.last_code, ADMINISTRATOR, request_id=named)
        assert isinstance(rejected, OtpRejected)
    for another in ("", "0" * 64):
        with pytest.raises(IncorrectOtp):
            await enter(app, app.last_code, another)


async def test_a_right_code_of_a_member_gets_the_error_of_a_wrong_one(app: AppHarness) -> None:
    await app.add_user(MEMBER)
    request_id = await request_code(app, MEMBER)
    errors = list[str]()
    for code in (wrong_code(app.last_code), app.last_code):
        with pytest.raises(IncorrectOtp) as caught:
            await enter(app, code, request_id, MEMBER)
        errors.append(caught.value.message)
    assert errors[0] == errors[1]
    failures = [event.reason for event in app.events.of_type(ConsoleSignInFailed)]
    assert failures == ["wrong code", "no role"]
    with pytest.raises(TooManyOtpRequests):  # nor does the right one end the cooldown
        await app.request_otp(MEMBER, purpose=Purpose.CONSOLE_SIGN_IN)
    assert not app.database.records.tables["console_sessions"]


async def test_a_number_that_was_unused_for_long_opens_no_console() -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    await app.add_administrator(ADMINISTRATOR)
    for _ in range(2):  # who only uses the console stays the owner of the number
        app.advance(days=80)
        assert (await authenticate(app, (await sign_in(app)).cookie)).operator.has_fresh_login
    app.advance(days=101)
    with pytest.raises(IncorrectOtp):
        await sign_in(app)


async def test_a_number_with_a_test_otp_opens_no_console() -> None:
    app = AppHarness()
    administrator = await app.add_administrator(ADMINISTRATOR)
    test_otps = TestOtps((TestOtp(ADMINISTRATOR, OtpCode("123456")),))
    fixed = replace(app, policy=make_policy(test_otps=test_otps))
    request_id = await request_code(fixed)
    with pytest.raises(IncorrectOtp):
        await enter(fixed, "123456", request_id)
    assert app.database.identities[administrator.identity.id].value.is_administrator


async def test_after_the_sign_out_neither_the_cookie_nor_the_code_is_valid(app: AppHarness) -> None:
    request_id = await request_code(app)
    cookie = (await enter(app, app.last_code, request_id)).cookie
    for _ in range(2):
        await app.use_cases.of(ConsoleFeature).sign_out(cookie)
    with pytest.raises(Unauthenticated):
        await authenticate(app, cookie)
    with pytest.raises(IncorrectOtp):
        await enter(app, app.last_code, request_id)
    assert app.events.types.count(ConsoleSignedOut) == 1


Act = Callable[[AppHarness, Principal], Awaitable[object]]
ENDINGS: Final[dict[str, Act]] = {
    "demote": lambda app, _: app.identities.operator_actions.change_role(
        ADMINISTRATOR, Role.MEMBER
    ),
    "log out the others": lambda app, user: app.identities.logout(user, LogoutScope.OTHERS),
    "move the phone": lambda app, user: app.move_phone(user.identity.id, a_phone(3)),
}


@pytest.mark.parametrize("act", ENDINGS.values(), ids=ENDINGS)
async def test_an_end_of_all_sessions_or_of_the_role_ends_the_console(
    app: AppHarness, administrator: Principal, act: Act
) -> None:
    cookie = (await sign_in(app)).cookie
    await act(app, administrator)
    with pytest.raises(Unauthenticated):
        await authenticate(app, cookie)


async def test_strangers_keep_no_administrator_out_of_a_known_browser(
    app: AppHarness, administrator: Principal
) -> None:
    browser = (await sign_in(app)).device_token
    app.advance(days=1)
    for number in range(12):  # within a day
        await request_code(app, client_ip=f"198.51.{number}.7", hours=1)
    with pytest.raises(TooManyOtpRequests):
        await request_code(app, client_ip=NEW_IP, hours=1)
    request_id = await request_code(app, client_ip=NEW_IP, browser=browser, hours=0)
    signed_in = await enter(app, app.last_code, request_id, browser=browser)
    await authenticate(app, signed_in.cookie)
    assert signed_in.device_token == browser
    shown = (await show(app, ADMINISTRATOR)).parts.find(ConsoleDetails)
    assert shown is not None
    assert [device.expires_at for device in shown.devices] == [app.clock.now() + timedelta(days=90)]
    app.advance(days=90, minutes=10)
    assert (await app.operations.cleanup())["expired_console_devices"] == 1
    assert not browsers(app)


async def test_browsers_are_forgotten_with_the_account(
    app: AppHarness, administrator: Principal
) -> None:
    request_id = await request_code(app)
    await enter(app, app.last_code, request_id)
    assert browsers(app)
    await app.identities.delete_user(administrator)
    assert not browsers(app)


async def test_a_browser_that_signs_in_while_the_account_is_deleted_is_not_kept(
    app: AppHarness, administrator: Principal
) -> None:
    request_id = await request_code(app)
    app.faults.run_before("console_devices.add", lambda: app.identities.delete_user(administrator))
    signed_in = await enter(app, app.last_code, request_id)
    assert signed_in.device_token is None
    assert not browsers(app)
    with pytest.raises(Unauthenticated):
        await authenticate(app, signed_in.cookie)


async def test_a_session_is_deleted_when_it_has_expired(app: AppHarness) -> None:
    await sign_in(app)
    app.advance(minutes=15)
    assert (await app.operations.cleanup())["expired_console_sessions"] == 0
    app.advance(hours=1)
    assert (await app.operations.cleanup())["expired_console_sessions"] == 1

"""Signing in to the web console, and out, and what ends its sessions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from application.administration.operator import operating_system_user
from application.administration.show_user import UserDetails
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
from application.otp.request_otp import RequestOtpResult
from application.otp.verify_otp import OtpRejected
from application.principal import Principal
from domain.administration.audit import Actor, ActorKind
from domain.errors import IncorrectOtp, TooManyOtpRequests, Unauthenticated
from domain.features.console import parse_cookie
from domain.identities.device_token import DeviceToken
from domain.identities.role import Role
from domain.otp.challenge import OtpCode, Purpose, parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from entrypoints.http.administration.user_details import UserDetailsForm
from entrypoints.http.features.console.user_fields import ConsoleFields
from entrypoints.http.fields import format_timestamp
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import wrong_code

ADMINISTRATOR: Final = a_phone(2)
MEMBER: Final = a_phone(1)
OPERATOR: Final = operating_system_user("alice")
TEST_OTP: Final = "123456"
NEW_IP: Final = "203.0.113.9"
"""Where nobody signed in to the app."""


async def request(
    app: AppHarness,
    client_ip: str = CLIENT_IP,
    browser: DeviceToken | None = None,
    phone: PhoneNumber = ADMINISTRATOR,
) -> RequestOtpResult:
    """Request a code for the console in a browser with this device token."""
    return await app.request_otp(
        phone, client_ip, device_token=browser, purpose=Purpose.CONSOLE_SIGN_IN
    )


async def request_code(app: AppHarness, phone: PhoneNumber = ADMINISTRATOR) -> str:
    """Request a code for the console, and return the id of the request."""
    app.advance(hours=12)
    result = await app.request_otp(phone, purpose=Purpose.CONSOLE_SIGN_IN)
    return result.request_id


async def enter(
    app: AppHarness, code: str, request_id: str, phone: PhoneNumber = ADMINISTRATOR
) -> str:
    """Enter a code, and return the cookie."""
    return (await enter_in(app, code, request_id, phone)).cookie


async def enter_in(
    app: AppHarness,
    code: str,
    request_id: str,
    phone: PhoneNumber = ADMINISTRATOR,
    browser: DeviceToken | None = None,
    client_ip: str = CLIENT_IP,
) -> ConsoleSignedIn:
    """Enter a code in a browser with this device token."""
    command = ConsoleSignInCommand(
        phone=phone,
        code=parse_otp_code(code),
        request_id=request_id,
        client_ip=client_ip,
        device_token=browser,
    )
    return await app.use_cases.of(ConsoleFeature).sign_in(command)


async def sign_in(app: AppHarness) -> str:
    """Sign in, and return the cookie."""
    request_id = await request_code(app)
    return await enter(app, app.last_code, request_id)


async def sign_in_browser(app: AppHarness) -> DeviceToken:
    """Sign in, and return the device token of the browser."""
    request_id = await request_code(app)
    signed_in = await enter_in(app, app.last_code, request_id)
    assert signed_in.device_token is not None
    return signed_in.device_token


async def use_up_messages(app: AppHarness, phone: PhoneNumber = ADMINISTRATOR) -> None:
    """Request twelve messages within a day, as strangers in many networks do."""
    app.advance(days=1)
    for number in range(12):
        app.advance(hours=1)
        await app.request_otp(phone, f"198.51.{number}.7", purpose=Purpose.CONSOLE_SIGN_IN)
    app.advance(hours=1)


async def is_known(
    app: AppHarness, browser: DeviceToken, phone: PhoneNumber = ADMINISTRATOR
) -> bool:
    """Return whether a browser still gets a code after strangers used up the messages."""
    await use_up_messages(app, phone)
    try:
        await app.request_otp(phone, NEW_IP, device_token=browser, purpose=Purpose.CONSOLE_SIGN_IN)
    except TooManyOtpRequests:
        return False
    return True


async def authenticate(app: AppHarness, cookie: str) -> ConsoleUser:
    return await app.use_cases.of(ConsoleFeature).authenticate(cookie)


def browsers(app: AppHarness) -> Mapping[str, Any]:
    """The records of browsers, by the id of the identity."""
    return app.database.records.tables["console_devices"]


async def show(app: AppHarness, query: PhoneNumber | str = ADMINISTRATOR) -> UserDetails:
    return await app.user_details.show_user(OPERATOR, query, "ticket", with_full_number=False)


async def shown_devices(app: AppHarness) -> Sequence[datetime]:
    """Until when the browsers are known that operators see."""
    details = await show(app)
    shown = details.parts.find(ConsoleDetails)
    assert shown is not None
    expiry_times = [device.expires_at for device in shown.devices]
    form = UserDetailsForm([ConsoleFields])
    response = msgspec.to_builtins(form.to_response(details, app.clock.now()))
    assert response["console_devices"] == [
        {"expires_at": format_timestamp(time)} for time in expiry_times
    ]
    return expiry_times


def failures(app: AppHarness) -> list[str]:
    """The reasons of failed sign-ins."""
    return [event.reason for event in app.events.of_type(ConsoleSignInFailed)]


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
    cookie = await sign_in(app)
    assert app.events.recorded[-1] == ConsoleSignInSucceeded(
        phone=ADMINISTRATOR, user_id=administrator.identity.id
    )
    user = await authenticate(app, cookie)
    user_id, role = administrator.identity.id, Role.ADMINISTRATOR
    assert user.operator.actor == Actor(ActorKind.ADMINISTRATOR, user_id, role=role)
    assert user.operator.has_fresh_login
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


async def test_a_right_code_of_a_member_gets_the_error_of_a_wrong_one(app: AppHarness) -> None:
    await app.add_user(MEMBER)
    request_id = await request_code(app, MEMBER)
    errors = list[str]()
    for code in (wrong_code(app.last_code), app.last_code):
        with pytest.raises(IncorrectOtp) as caught:
            await enter(app, code, request_id, MEMBER)
        errors.append(caught.value.message)
    assert errors[0] == errors[1]
    assert failures(app) == ["wrong code", "no role"]
    with pytest.raises(TooManyOtpRequests):  # nor does the right one end the cooldown
        await app.request_otp(MEMBER, purpose=Purpose.CONSOLE_SIGN_IN)
    assert not app.database.records.tables["console_sessions"]


async def test_a_number_that_never_signed_in_gets_a_code_and_no_session(app: AppHarness) -> None:
    request_id = await request_code(app, MEMBER)
    with pytest.raises(IncorrectOtp):
        await enter(app, app.last_code, request_id, MEMBER)
    assert MEMBER not in {identity.value.phone for identity in app.database.identities.values()}


@pytest.mark.parametrize("request_id", ["", "0" * 64], ids=["none", "another"])
async def test_a_code_is_wrong_without_the_id_of_its_request(
    app: AppHarness, request_id: str
) -> None:
    await request_code(app)
    with pytest.raises(IncorrectOtp):
        await enter(app, app.last_code, request_id)


async def test_a_sign_in_brings_strangers_no_more_messages(app: AppHarness) -> None:
    app.advance(days=1)
    of_strangers = 0
    for number in range(16):
        app.advance(hours=1)
        with suppress(TooManyOtpRequests):
            await request(app, f"198.51.{number}.7")
            of_strangers += 1
        requested = await request(app)
        await enter(app, app.last_code, requested.request_id)  # of the stranger's message
    assert of_strangers == 12


async def test_a_number_that_was_unused_for_long_opens_no_console() -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    await app.add_administrator(ADMINISTRATOR)
    for _ in range(2):  # who only uses the console stays the owner of the number
        app.advance(days=80)
        assert (await authenticate(app, await sign_in(app))).operator.has_fresh_login
    app.advance(days=101)
    with pytest.raises(IncorrectOtp):
        await sign_in(app)


async def test_a_number_with_a_test_otp_opens_no_console() -> None:
    app = AppHarness()
    administrator = await app.add_administrator(ADMINISTRATOR)
    fixed = AppHarness(
        database=app.database,
        clock=app.clock,
        policy=make_policy(test_otps=TestOtps((TestOtp(ADMINISTRATOR, OtpCode(TEST_OTP)),))),
    )
    request_id = await request_code(fixed)
    with pytest.raises(IncorrectOtp):
        await enter(fixed, TEST_OTP, request_id)
    assert app.database.identities[administrator.identity.id].value.is_administrator


async def test_a_repeat_within_a_minute_gets_another_cookie_and_the_first_is_void(
    app: AppHarness,
) -> None:
    request_id = await request_code(app)
    lost = await enter(app, app.last_code, request_id)
    cookie = await enter(app, app.last_code, request_id)
    await authenticate(app, cookie)
    with pytest.raises(Unauthenticated):
        await authenticate(app, lost)
    app.advance(61)
    with pytest.raises(IncorrectOtp):
        await enter(app, app.last_code, request_id)
    await authenticate(app, cookie)
    assert failures(app) == ["wrong code"]


async def test_after_the_sign_out_neither_the_cookie_nor_the_code_is_valid(app: AppHarness) -> None:
    request_id = await request_code(app)
    cookie = await enter(app, app.last_code, request_id)
    for _ in range(2):
        await app.use_cases.of(ConsoleFeature).sign_out(cookie)
    with pytest.raises(Unauthenticated):
        await authenticate(app, cookie)
    with pytest.raises(IncorrectOtp):
        await enter(app, app.last_code, request_id)
    assert app.events.types.count(ConsoleSignedOut) == 1


async def test_a_session_that_is_used_ends_after_an_hour(app: AppHarness) -> None:
    cookie = await sign_in(app)
    end = app.clock.now() + timedelta(hours=1)
    while (now := app.clock.now()) < end:
        assert (await authenticate(app, cookie)).session.expires_at > now
        app.advance(minutes=min(14, (end - now) / timedelta(minutes=1)))
    with pytest.raises(Unauthenticated):
        await authenticate(app, cookie)


async def test_a_session_ends_15_minutes_after_its_last_use(app: AppHarness) -> None:
    cookie = await sign_in(app)
    app.advance(30)
    await authenticate(app, cookie)
    app.advance(minutes=14, seconds=59)
    await authenticate(app, cookie)
    app.advance(minutes=15)
    with pytest.raises(Unauthenticated):
        await authenticate(app, cookie)


async def test_a_use_is_recorded_at_most_once_in_ten_seconds(app: AppHarness) -> None:
    cookie = await sign_in(app)
    (before,) = app.database.records.tables["console_sessions"].values()
    app.advance(9)
    await authenticate(app, cookie)
    assert [*app.database.records.tables["console_sessions"].values()] == [before]
    app.advance(1)
    await authenticate(app, cookie)
    assert [*app.database.records.tables["console_sessions"].values()] != [before]


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
    request_id = await request_code(app)
    signed_in = await enter_in(app, app.last_code, request_id)
    assert signed_in.device_token is not None
    await act(app, administrator)
    with pytest.raises(Unauthenticated):
        await authenticate(app, signed_in.cookie)
    identity = app.database.identities[administrator.identity.id].value
    assert not await is_known(app, signed_in.device_token, identity.phone or ADMINISTRATOR)


async def test_strangers_keep_no_administrator_out_of_a_known_browser(
    app: AppHarness, administrator: Principal
) -> None:
    browser = await sign_in_browser(app)
    await use_up_messages(app)
    with pytest.raises(TooManyOtpRequests):
        await request(app, NEW_IP)
    requested = await request(app, NEW_IP, browser)
    signed_in = await enter_in(
        app, app.last_code, requested.request_id, browser=browser, client_ip=NEW_IP
    )
    await authenticate(app, signed_in.cookie)
    assert signed_in.device_token == browser
    expires_at = app.clock.now() + timedelta(days=90)
    assert await shown_devices(app) == [expires_at]
    app.advance(days=90)
    assert await shown_devices(app) == []
    app.advance(minutes=10)
    assert (await app.operations.cleanup())["expired_console_devices"] == 1
    assert not browsers(app)


async def test_a_browser_is_known_to_the_console_and_a_device_of_an_app_to_the_app(
    app: AppHarness,
) -> None:
    browser = await sign_in_browser(app)
    device = (await app.open_session(ADMINISTRATOR)).device_token
    assert device is not None
    assert not await is_known(app, device)
    assert await is_known(app, browser)
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(ADMINISTRATOR, NEW_IP, device_token=browser)


async def test_a_browser_that_failed_too_often_gets_another_token(app: AppHarness) -> None:
    browser = await sign_in_browser(app)
    for _ in range(4):
        request_id = await request_code(app)
        for number in range(1, 6):
            with pytest.raises(IncorrectOtp):
                await enter_in(app, wrong_code(app.last_code, number), request_id, browser=browser)
    request_id = await request_code(app)
    other = (await enter_in(app, app.last_code, request_id, browser=browser)).device_token
    assert other not in (None, browser)


async def test_a_browser_that_cannot_be_stored_gets_no_device_token(app: AppHarness) -> None:
    request_id = await request_code(app)
    app.faults.fail_on("console_devices.add")
    signed_in = await enter_in(app, app.last_code, request_id)
    await authenticate(app, signed_in.cookie)
    assert signed_in.device_token is None
    assert app.faults.has_fired


async def test_browsers_are_forgotten_with_the_account(
    app: AppHarness, administrator: Principal
) -> None:
    browser = await sign_in_browser(app)
    await app.identities.delete_user(administrator)
    assert not browsers(app)
    details = await show(app, administrator.identity.id)
    assert details.parts.find(ConsoleDetails) is None
    await app.add_administrator(ADMINISTRATOR)
    assert not await is_known(app, browser)


async def test_a_browser_that_signs_in_while_the_account_is_deleted_is_not_kept(
    app: AppHarness, administrator: Principal
) -> None:
    request_id = await request_code(app)
    app.faults.run_before("console_devices.add", lambda: app.identities.delete_user(administrator))
    signed_in = await enter_in(app, app.last_code, request_id)
    assert signed_in.device_token is None
    assert not browsers(app)
    with pytest.raises(Unauthenticated):
        await authenticate(app, signed_in.cookie)


async def test_a_logout_of_one_device_ends_no_session_and_browser_of_the_console(
    app: AppHarness, administrator: Principal
) -> None:
    request_id = await request_code(app)
    signed_in = await enter_in(app, app.last_code, request_id)
    await app.identities.logout(administrator)
    await authenticate(app, signed_in.cookie)
    await app.use_cases.of(ConsoleFeature).sign_out(signed_in.cookie)
    assert signed_in.device_token is not None
    assert await is_known(app, signed_in.device_token)


@pytest.mark.parametrize("cookie", [".", f"{'0' * 24}.{'0' * 64}"], ids=["malformed", "unknown"])
async def test_another_text_is_no_cookie(app: AppHarness, cookie: str) -> None:
    with pytest.raises(Unauthenticated):
        await authenticate(app, cookie)
    await app.use_cases.of(ConsoleFeature).sign_out(cookie)


async def test_a_use_that_cannot_be_recorded_fails_no_request(app: AppHarness) -> None:
    cookie = await sign_in(app)
    app.advance(minutes=2)
    app.faults.fail_on("console_sessions.replace")
    await authenticate(app, cookie)
    assert app.faults.has_fired


async def test_a_session_is_deleted_when_it_has_expired(app: AppHarness) -> None:
    await sign_in(app)
    app.advance(minutes=15)
    assert (await app.operations.cleanup())["expired_console_sessions"] == 0
    app.advance(hours=1)
    assert (await app.operations.cleanup())["expired_console_sessions"] == 1

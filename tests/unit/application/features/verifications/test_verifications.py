"""Verifications: a code for a service token, which signs nobody in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.features.verifications import VerificationStatus
from application.otp.events import (
    FixedCodeUsed,
    OtpRequested,
    OtpRequestRejected,
    OtpVerificationFailed,
    VerificationApproved,
)
from application.otp.log_in import LoggedIn, OtpRejected
from domain.administration.audit import ActorKind
from domain.administration.scopes import SCOPES_OF_ROLES, Scope
from domain.errors import (
    CountryNotServed,
    Forbidden,
    InsufficientScope,
    TooManyOtpRequests,
)
from domain.otp.attempts import ATTEMPTS
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.delivery import Channel
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import CoreHarness, wrong_code
from tests.support.verifications import VerificationDriver, a_token

APPROVED, PENDING, EXPIRED = VerificationStatus
HOUR = timedelta(hours=1)


def other_phone(number: int) -> PhoneNumber:
    """Return a number in a range of its own."""
    return parse_phone(f"+1415{200 + number}2000")


@pytest.fixture
def driver(app: AppHarness) -> VerificationDriver:
    return VerificationDriver(app)


# The answer to a code


async def test_a_right_code_is_approved_and_again_for_a_minute(
    app: AppHarness, driver: VerificationDriver
) -> None:
    requested = await driver.request(locale="de")
    assert (requested.sent, requested.expires_in, requested.resend_in) == (True, 300, 15)
    assert app.messenger.messages[-1].text.endswith(Purpose.VERIFICATION)
    code, request_id = app.last_code, requested.request_id
    for seconds, status in ((0, APPROVED), (59, APPROVED), (1, EXPIRED)):
        app.advance(seconds)
        assert (await driver.check(code, request_id)).status is status
        assert (await driver.check(wrong_code(code), request_id)).status is EXPIRED
    assert len(app.events.of_type(VerificationApproved)) == 1
    assert app.database.identities == {}


async def test_a_wrong_code_is_pending_while_a_code_may_be_right(
    app: AppHarness, driver: VerificationDriver
) -> None:
    request_id = (await driver.request()).request_id
    code = app.last_code
    for left in reversed(range(ATTEMPTS)):
        checked = await driver.check(wrong_code(code, left + 1), request_id)
        assert (checked.status, checked.attempts_left) == (PENDING, left)
    # Without attempts the right one is not looked at.
    checked = await driver.check(code, request_id)
    assert (checked.status, checked.attempts_left) == (PENDING, 0)
    app.advance(minutes=5)
    for unknown in (request_id, "0" * 64, "?"):
        checked = await driver.check(code, unknown)
        assert (checked.status, checked.attempts_left) == (EXPIRED, 0)


async def test_the_log_names_the_token(app: AppHarness, driver: VerificationDriver) -> None:
    request_id = (await driver.request()).request_id
    with pytest.raises(TooManyOtpRequests):
        await VerificationDriver(app, 2).request()
    await driver.check(wrong_code(app.last_code), request_id)
    await driver.check(app.last_code, request_id)
    for kind, token in (
        (OtpRequested, driver.token),
        (OtpRequestRejected, a_token(2)),
        (OtpVerificationFailed, driver.token),
        (VerificationApproved, driver.token),
    ):
        (event,) = app.events.of_type(kind)
        assert getattr(event, "actor_id") == token.actor.id  # noqa: B009 -- each kind has it


# A code is bound to the purpose and the token


async def test_a_code_of_one_token_is_none_of_another(
    app: AppHarness, driver: VerificationDriver
) -> None:
    first = await driver.request()
    code = app.last_code
    other = VerificationDriver(app, 2)
    for _ in range(2):
        assert (await other.check(code, first.request_id)).status is EXPIRED
        app.advance(minutes=1)
        second = await other.request()
        assert second.sent
        assert app.last_code != code
        # An attempt at a code of another token counts nowhere.
        assert (await other.check(code, first.request_id)).attempts_left == 0
    assert (await driver.check(code, first.request_id)).status is APPROVED


async def test_a_code_of_a_sign_in_verifies_nothing_and_the_other_way_round(
    app: AppHarness, driver: VerificationDriver
) -> None:
    sign_in = await app.request_otp()
    of_sign_in = app.last_code
    app.advance(minutes=1)
    requested = await driver.request()
    of_verification = app.last_code
    assert (await driver.check(of_sign_in, sign_in.request_id)).status is EXPIRED
    assert (await driver.check(of_sign_in, requested.request_id)).status is PENDING
    for request_id in (None, requested.request_id, sign_in.request_id):
        result = await app.verify_otp(of_verification, request_id=request_id)
        assert isinstance(result, OtpRejected)
    assert isinstance(await app.verify_otp(of_sign_in), LoggedIn)
    assert (await driver.check(of_verification, requested.request_id)).status is APPROVED


async def test_within_the_cooldown_the_same_token_joins_and_nobody_else(
    app: AppHarness, driver: VerificationDriver
) -> None:
    first = await driver.request()
    joined = await driver.request(client_ip=CLIENT_IP)
    assert (first.sent, joined.sent) == (True, False)
    assert joined.request_id != first.request_id
    with pytest.raises(TooManyOtpRequests):
        await VerificationDriver(app, 2).request()
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp()
    assert (await driver.check(wrong_code(app.last_code), joined.request_id)).attempts_left == 1
    assert (await driver.check(app.last_code, joined.request_id)).status is APPROVED


# Who owns the phone


async def test_the_owner_is_neither_told_of_nor_changed(
    app: AppHarness, driver: VerificationDriver
) -> None:
    """Neither a right code nor wrong ones from the IP of her logins."""
    owner = (await app.open_session()).identity
    app.advance(minutes=1)
    before = (await app.use_cases.repositories.phone_verifications.load(a_phone())).value
    for number in range(4):
        app.advance(hours=1)
        request_id = (await driver.request(client_ip=CLIENT_IP)).request_id
        assert app.messenger.messages[-1].code
        for attempt in range(ATTEMPTS - 1):
            await driver.check(wrong_code(app.last_code, attempt + 1), request_id)
        if number == 3:
            assert (await driver.check(app.last_code, request_id)).status is APPROVED
    after = (await app.use_cases.repositories.phone_verifications.load(a_phone())).value
    assert after.trusted_ips == before.trusted_ips
    assert after.failures.by_client == ()
    assert after.failures.in_a_row == 0
    assert {each.device_id for each in after.deliveries.all[1:]} == {None}
    loaded = await app.use_cases.repositories.identities.load(owner.id)
    assert loaded is not None
    assert loaded.value == owner
    app.advance(minutes=1)
    assert (await app.request_otp()).sent


async def test_a_login_of_the_owner_does_not_end_the_cooldown_of_a_token(
    app: AppHarness, driver: VerificationDriver
) -> None:
    await app.request_otp()
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)
    with pytest.raises(TooManyOtpRequests) as error:
        await driver.request()
    assert error.value.retry_after == 15


async def test_her_messages_stay_whatever_ip_the_token_names(
    app: AppHarness, driver: VerificationDriver
) -> None:
    await app.open_session()
    app.advance(days=1)
    sent = 0
    for _ in range(40):
        try:
            sent += (await driver.request(client_ip=CLIENT_IP)).sent
        except TooManyOtpRequests as error:
            if error.retry_after > 3_600:
                break
            app.advance(error.retry_after)
        app.advance(20)
    assert sent == 6
    # Those of her IP are not spent: neither its part of the phone, nor its own three an hour.
    for _ in range(3):
        assert (await app.request_otp()).sent
        app.advance(minutes=2)


@pytest.mark.parametrize("change", ["another number", "detached", "deleted"])
async def test_a_change_of_the_account_does_not_end_a_code(
    app: AppHarness, driver: VerificationDriver, change: str
) -> None:
    principal = await app.add_user()
    app.advance(minutes=1)
    requested, code = await driver.request(), app.last_code
    match change:
        case "another number":
            await app.move_phone(principal.identity.id, a_phone(7))
        case "detached":
            await app.identities.operator_actions.detach(principal.identity.id)
        case _:
            await app.identities.delete_user.by_id(principal.identity.id)
    assert not (await driver.request()).sent
    assert (await driver.check(code, requested.request_id)).status is APPROVED


async def test_a_blocked_account_is_verified_and_a_blocked_number_gets_nothing(
    app: AppHarness, driver: VerificationDriver
) -> None:
    principal = await app.log_in()
    await app.identities.operator_actions.block(a_phone())
    assert principal.identity.phone == a_phone()
    app.advance(minutes=1)
    request_id = (await driver.request()).request_id
    assert (await driver.check(app.last_code, request_id)).status is APPROVED
    await app.identities.operator_actions.block(a_phone(2))
    with pytest.raises(CountryNotServed):
        await driver.request(a_phone(2))


async def test_a_fixed_code_works_as_in_a_sign_in_and_is_logged() -> None:
    fixed = FixedCodes((FixedCode(a_phone(), OtpCode("123456")),))
    app = AppHarness(policy=make_policy(fixed_codes=fixed))
    driver = VerificationDriver(app)
    request_id = (await driver.request()).request_id
    assert app.messenger.messages == []
    assert (await driver.check("123456", request_id)).status is APPROVED
    assert [event.reason for event in app.events.of_type(FixedCodeUsed)] == [
        "requested",
        "verified",
    ]


# Limits


async def test_a_token_at_its_limit_stops_no_sign_in_and_no_other_token() -> None:
    limits = replace(RateLimits(), per_token=SlidingWindow(4, HOUR))
    app = AppHarness(policy=make_policy(rate_limits=limits))
    driver = VerificationDriver(app)
    for number in range(4):
        assert (await driver.request(other_phone(number))).sent
    with pytest.raises(TooManyOtpRequests) as error:
        await driver.request(other_phone(50))
    assert (error.value.limit, error.value.clients) == ("per_token", "verification")
    assert (await app.request_otp(other_phone(50))).sent
    assert (await VerificationDriver(app, 2).request(other_phone(60))).sent


async def test_one_number_range_has_a_twentieth_of_the_limit_of_a_token(
    driver: VerificationDriver,
) -> None:
    for number in range(15):
        assert (await driver.request(a_phone(number))).sent
    with pytest.raises(TooManyOtpRequests) as error:
        await driver.request(a_phone(16))
    assert (error.value.limit, error.value.clients) == ("per_number_range", "verification")


async def test_an_ip_that_tokens_name_has_limits_of_its_own() -> None:
    limits = replace(RateLimits(), per_ip=SlidingWindow(3, HOUR))
    app = AppHarness(policy=make_policy(rate_limits=limits))
    driver = VerificationDriver(app)
    for number in range(3):
        await driver.request(other_phone(number), CLIENT_IP)
    with pytest.raises(TooManyOtpRequests) as error:
        await VerificationDriver(app, 2).request(other_phone(70), CLIENT_IP)
    assert error.value.limit == "per_ip"
    assert (await app.request_otp(other_phone(80))).sent


async def test_verifications_have_half_of_all_messages() -> None:
    window = SlidingWindow(1, HOUR)
    limits = replace(
        RateLimits(),
        per_country=window,
        per_country_and_day=None,
        total=SlidingWindow(2, HOUR),
        total_of_day=None,
    )
    app = AppHarness(policy=make_policy(rate_limits=limits))
    driver = VerificationDriver(app)
    for number in range(5):
        await driver.request(other_phone(number), f"203.0.{number}.7")
    with pytest.raises(TooManyOtpRequests) as error:
        await driver.request(other_phone(60), "203.0.9.7")
    assert (error.value.limit, error.value.clients) == ("all_per_country", "verification")
    assert (await app.request_otp(other_phone(70))).sent


async def test_a_token_leaves_ranges_and_networks_of_people_alone() -> None:
    window = SlidingWindow(20, HOUR)
    limits = replace(RateLimits(), per_country=window, total=window, all_deliveries_factor=1)
    app = AppHarness(policy=make_policy(rate_limits=limits))
    driver = VerificationDriver(app)
    for number in range(3):
        await driver.request(a_phone(number), CLIENT_IP)
    assert (await app.request_otp(a_phone(10))).sent


async def test_support_sees_nothing_of_the_ip_that_a_token_names(app: AppHarness) -> None:
    limits = replace(RateLimits(), per_ip=SlidingWindow(2, HOUR))
    app = AppHarness(policy=make_policy(rate_limits=limits))
    driver = VerificationDriver(app)
    for phone in (other_phone(1), a_phone()):
        await driver.request(phone)
    app.advance(minutes=1)
    state = await app.limits.describe_verification(a_phone())
    assert state.next_message.limitation is None


async def test_no_proof_is_asked_for_and_a_blocked_network_is_rejected() -> None:
    core = CoreHarness()
    asking = VerificationDriver(core.adding(asks_strangers=True))
    assert (await asking.request()).sent
    until = core.clock.now() + HOUR
    blocked = VerificationDriver(core.adding(find_network_block=lambda _ip, _now: until))
    core.advance(minutes=1)
    with pytest.raises(TooManyOtpRequests) as error:
        await blocked.request(a_phone(2))
    assert error.value.limit == "block_network"


# Who may


@pytest.mark.parametrize("channel", [None, Channel.SMS])
async def test_only_a_token_with_the_scope_may(
    app: AppHarness, driver: VerificationDriver, channel: Channel | None
) -> None:
    assert all(Scope.VERIFY_PHONES not in scopes for scopes in SCOPES_OF_ROLES.values())
    driver.token = a_token(1, Scope.READ_USERS)
    with pytest.raises(InsufficientScope):
        await driver.request(channel=channel)
    with pytest.raises(InsufficientScope):
        await driver.check("123456", "1")
    driver.token = replace(a_token(), actor=replace(a_token().actor, kind=ActorKind.ADMINISTRATOR))
    with pytest.raises(Forbidden):
        await driver.request(channel=channel)
    assert app.messenger.messages == []

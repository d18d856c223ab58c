"""Who joins by a call is an unverified identity, and only that can leave by a call."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from application.features.voice.call_limiter import CallerRegistered
from application.features.voice.call_log import CallsFeature
from application.identities.events import UserDeleted
from application.otp.log_in import LoggedIn
from domain.errors import CountryNotServed, InvalidValue
from domain.features.voice.step import CallOutcome
from domain.identities.identity import Consent, Identity
from domain.identities.role import Role
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Attempt, before_each_operation
from tests.support.builders import NOW, a_phone
from tests.support.inbound_call import PHONE_LINE, InboundCall, join, make_phone_line

CONSENT: Final = (
    "By staying on the line, you agree that Dialtone stores your phone number and a log of your "
    "calls. You can leave at any time: call this number again. If you do not agree, hang up now."
)
LATER: Final = NOW + timedelta(days=9)


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=PHONE_LINE)


async def identity_of(app: AppHarness) -> Identity | None:
    """Return the identity of the phone, deleted or not."""
    identity_id = app.database.phone_verifications[a_phone()].value.identity_id
    return app.database.identities[identity_id].value if identity_id else None


async def leave(app: AppHarness, sid: str = "CA-leave") -> InboundCall:
    return await InboundCall(app, sid=sid).ring("3", "1")


# Joining


async def test_consent_is_kept_with_its_wording_and_time(app: AppHarness) -> None:
    call = await InboundCall(app).ring("1")
    assert call.heard == CONSENT
    assert app.database.identities == {}
    app.advance(14)
    await call.stay_on_the_line()

    identity_id = call.record.identity_id
    assert identity_id is not None
    assert app.database.identities[identity_id].value == Identity(
        identity_id,
        a_phone(),
        app.clock.now(),
        is_verified=False,
        consent=Consent(CONSENT, "en-US", app.clock.now()),
    )
    assert (await identity_of(app)) == app.database.identities[identity_id].value
    assert app.events.recorded == [CallerRegistered(phone=a_phone(), user_id=identity_id)]


async def test_a_phone_that_has_an_identity_meanwhile_is_not_changed(app: AppHarness) -> None:
    call = await InboundCall(app).ring("1")
    principal = await app.log_in()
    before = dict(app.database.identities)
    await call.stay_on_the_line()

    assert call.record.outcome is CallOutcome.JOINED
    assert call.record.identity_id == principal.identity.id
    assert app.database.identities == before


async def test_a_blocked_number_cannot_join_and_one_that_has_joined_gets_codes(
    app: AppHarness,
) -> None:
    await join(app, a_phone(2))
    for phone in (a_phone(), a_phone(2)):
        await app.identities.operator_actions.block(phone)
    call = await InboundCall(app).ring("1")
    await call.stay_on_the_line()
    assert "cannot" in call.heard
    assert await identity_of(app) is None
    with pytest.raises(CountryNotServed):
        await app.request_otp()
    assert (await app.request_otp(a_phone(2))).sent


async def test_a_block_while_a_caller_joins_makes_nobody_verified(app: AppHarness) -> None:
    call = await InboundCall(app).ring("1")
    app.faults.fail_on("identities.add")
    with pytest.raises(Exception, match="injected"):
        await call.stay_on_the_line()
    await app.identities.operator_actions.block(a_phone())

    identity = await identity_of(app)
    assert identity
    assert identity.is_blocked
    assert not identity.is_verified


async def test_an_unverified_identity_is_deleted_90_days_after_its_last_call(
    app: AppHarness,
) -> None:
    called, silent = await join(app), await join(app, a_phone(2), "CA-silent")
    taken_over = await join(app, a_phone(3), "CA-taken")
    await app.log_in(a_phone(3))
    app.advance(days=80)
    await InboundCall(app, sid="CA-80").ring()
    app.advance(days=10)
    assert (await app.operations.cleanup())["expired_identities"] == 1
    assert app.database.identities[silent].value.is_deleted
    app.advance(days=80)
    assert (await app.operations.cleanup())["expired_identities"] == 1
    assert app.database.identities[called].value.is_deleted
    assert not app.database.identities[taken_over].value.is_deleted
    call = await InboundCall(app, sid="CA-again").ring()
    assert "Would you like to join?" in call.heard


# The first login takes over


async def test_the_first_login_takes_over_and_adds_nothing(app: AppHarness) -> None:
    identity_id = await join(app)
    joined = app.database.identities[identity_id].value
    for user in (identity_id, a_phone()):
        with pytest.raises(InvalidValue, match="Its owner signs in first"):
            await app.identities.operator_actions.change_role(user, Role.ADMINISTRATOR)
    principal = await app.log_in()

    assert principal.identity.id == identity_id
    taken_over = app.database.identities[identity_id].value
    of_login = {"sessions", "devices", "used_challenges", "last_used_at", "has_signed_in"}
    kept = {name: getattr(joined, name) for name in of_login}
    assert taken_over.is_verified
    assert replace(taken_over, is_verified=False, **kept) == joined
    page = await app.use_cases.of(CallsFeature).list_calls(principal, None, 10)
    assert [call.is_caller_verified for call in page.calls] == [False]
    change_role = app.identities.operator_actions.change_role
    assert (await change_role(identity_id, Role.ADMINISTRATOR)).is_administrator


async def test_a_login_of_a_recycled_phone_does_not_take_over_an_old_call() -> None:
    app = AppHarness(policy=make_phone_line(recycled_after=timedelta(days=365)))
    identity_id = await join(app)
    app.advance(days=365)
    principal = await app.log_in()

    assert principal.identity.id != identity_id
    assert principal.identity.consent is None


# Leaving


async def test_an_unverified_caller_leaves(app: AppHarness) -> None:
    identity_id = await join(app)
    app.events.recorded.clear()
    call = await leave(app)

    assert call.heard == "You have left Dialtone. Goodbye."
    deleted = app.database.identities[identity_id].value
    assert (deleted.is_deleted, deleted.consent) == (True, None)
    event = UserDeleted(phone=a_phone(), user_id=identity_id, reason="unverified, by a call")
    assert app.events.recorded == [event]


async def test_a_user_that_an_administrator_made_does_not_leave_by_a_call(app: AppHarness) -> None:
    administrator = await app.add_administrator(a_phone(2))
    identity_id = await join(app)
    user = await app.create_user(administrator, "Priya", a_phone())
    call = await leave(app)

    assert user.id == identity_id
    assert call.record.outcome is CallOutcome.LEAVING_EXPLAINED
    assert not app.database.identities[identity_id].value.is_deleted


async def test_a_verified_caller_hears_that_the_app_deletes_accounts(app: AppHarness) -> None:
    await app.log_in()
    identities = dict(app.database.identities)
    app.messenger.messages.clear()
    call = await leave(app)

    assert call.heard == (
        "A call cannot delete your account. To leave, delete it in the app. Goodbye."
    )
    assert call.record.outcome is CallOutcome.LEAVING_EXPLAINED
    assert (app.database.identities, app.messenger.messages) == (identities, [])


@pytest.mark.parametrize("is_login_first", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_a_login_and_a_call_that_leaves_at_the_same_time_do_not_mix(
    is_login_first: bool,
) -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, InboundCall, str]:
        app = AppHarness(policy=PHONE_LINE)
        joined_id = await join(app)
        app.advance(hours=12)
        await app.request_otp()
        call = await InboundCall(app, sid="CA-leave").ring("3")
        log_in = Attempt(partial(app.verify_otp, app.last_code))
        return app, log_in, partial(call.press, "1"), call, joined_id

    races = before_each_operation(start, is_swapped=is_login_first)
    async for app, log_in, _, call, joined_id in races:
        assert isinstance(log_in.result, LoggedIn)
        principal = await app.identities.authenticate(log_in.result.tokens.access_token)
        has_left = call.record.outcome is CallOutcome.LEFT
        assert app.database.identities[joined_id].value.is_deleted == has_left
        assert (principal.identity.id != joined_id) == has_left
        assert (principal.identity.consent is None) == has_left

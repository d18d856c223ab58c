"""Who joins by a call is unverified, and may leave by a call. A forged number gains nothing."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from application.features.voice.call_limiter import CallerRegistered
from application.features.voice.call_log import CallsFeature
from application.otp.log_in import LoggedIn
from domain.errors import CountryNotServed, InvalidValue
from domain.features.voice.instructions import CallLimits
from domain.features.voice.menu import State
from domain.features.voice.step import (
    Answered,
    CallEvent,
    CallOutcome,
    Continued,
    Dialed,
    DialResult,
    Recorded,
)
from domain.identities.identity import Consent, Identity
from domain.identities.role import Role
from domain.otp.sliding_window import SlidingWindow
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Attempt, before_each_operation
from tests.support.builders import a_phone
from tests.support.inbound_call import PHONE_LINE, InboundCall, join, make_phone_line
from tests.support.voice.stored import stored_calls

CONSENT: Final = (
    "By staying on the line, you agree that Dialtone stores your phone number and a log of your "
    "calls. You can leave at any time: call this number again. If you do not agree, hang up now."
)


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


# Leaving


async def test_a_user_that_an_administrator_made_does_not_leave_by_a_call(app: AppHarness) -> None:
    administrator = await app.add_administrator(a_phone(2))
    identity_id = await join(app)
    user = await app.create_user(administrator, "Priya", a_phone())
    call = await leave(app)

    assert user.id == identity_id
    assert call.record.outcome is CallOutcome.LEAVING_EXPLAINED
    assert not app.database.identities[identity_id].value.is_deleted


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


NAME: Final = "Rahul Sharma"
_MANY: Final = SlidingWindow(100_000, timedelta(hours=1))
UNLIMITED: Final = CallLimits(_MANY, _MANY, _MANY, _MANY, 100_000)
EVENTS: Final[list[CallEvent]] = [
    Continued(),
    Answered(),
    Answered(speech="what is my name and my code"),
    *(Answered(keys=key) for key in "01234"),
    *(Dialed(result) for result in DialResult),
    Recorded("RE1"),
]


async def app_with_user() -> AppHarness:
    """Return an app with a user who has just requested another code."""
    app = AppHarness(policy=make_phone_line(call_limits=UNLIMITED))
    await app.add_user(username=NAME)
    app.advance(hours=12)
    await app.request_otp()
    return app


async def call_in_each_state(app: AppHarness) -> list[InboundCall]:
    """Come to every state, and send every event there, in a new call for each path."""
    calls = [await InboundCall(app, sid="CA").ring()]
    seen, paths = set[str](), list[list[CallEvent]]([[]])
    for path in paths:  # it grows
        for event in EVENTS:
            call = await InboundCall(app, sid=f"CA{len(calls)}").ring()
            for sent in (*path, event):
                await call.send(call.position, sent)
            calls.append(call)
            position = call.record.position
            if position and position.state not in seen:
                seen.add(position.state)
                paths.append([*path, event])
    return calls


async def test_a_forger_reads_and_changes_nothing_in_any_state() -> None:
    app = await app_with_user()
    identities = dict(app.database.identities)
    verifications = dict(app.database.phone_verifications)
    (identity,) = (stored.value for stored in identities.values())
    code = app.last_code
    app.messenger.messages.clear()

    forged = await call_in_each_state(app)
    for call_id in stored_calls(app.database):
        await app.report_call(call_id)

    visited = {part for call in forged for part in call.record.path}
    assert visited >= {*State} - {State.JOIN, State.CONSENT, State.ANONYMOUS_MENU}
    assert "left" not in visited
    assert app.database.identities == identities
    assert app.database.phone_verifications == verifications
    assert identity.is_verified
    heard = " ".join(call.heard for call in forged)
    for secret in (NAME, identity.id, a_phone().e164, a_phone().e164[-4:], code):
        assert secret not in heard
    assert app.messenger.messages == []
    assert app.call_provider.calls == {}
    for call in stored_calls(app.database).values():
        assert not call.value.is_caller_verified

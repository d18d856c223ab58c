"""The requests of inbound calls: who hears what, what is stored, and what a repetition does."""

import itertools
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from application.features.voice.call_limiter import CallerRegistered, CallRejected
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from domain.errors import CountryNotServed, InvalidValue
from domain.features.voice.call import EFFECT_TIMEOUT, Recording, inbound_call_id
from domain.features.voice.instructions import CallLimits, Dial, HangUp, Position, Reject
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
from domain.phone import PhoneNumber
from entrypoints.features.voice.feature import VOICE
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import (
    Act,
    Attempt,
    Fault,
    at_each_operation,
    before_each_operation,
)
from tests.support.builders import a_phone
from tests.support.inbound_call import (
    CALLER_ID,
    OPERATOR,
    PHONE_LINE,
    InboundCall,
    another_instance,
    join,
    make_phone_line,
)
from tests.support.voice.stored import stored_calls

HOUR = timedelta(hours=1)
SIDS = itertools.count()


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=PHONE_LINE)


@pytest.fixture
def call(app: AppHarness) -> InboundCall:
    return InboundCall(app)


def limited(**limits: Any) -> AppHarness:
    return AppHarness(policy=make_phone_line(call_limits=CallLimits(**limits)))


async def test_a_blocked_phone_hears_what_any_phone_hears(app: AppHarness) -> None:
    for phone in (a_phone(1), a_phone(2)):
        await app.log_in(phone)
    await app.identities.operator_actions.block(a_phone(2))
    for keys in ("2", "31"):
        free = await InboundCall(app, a_phone(1), f"CA1{keys}").ring(*keys)
        blocked = await InboundCall(app, a_phone(2), f"CA2{keys}").ring(*keys)
        assert free.instructions == blocked.instructions


async def test_the_operator_sees_the_called_number_for_a_caller_without_one(
    app: AppHarness,
) -> None:
    for called, shown in ((a_phone(7), a_phone(7).e164), (None, CALLER_ID)):
        call = await InboundCall(app, phone=None, sid=f"CA{shown}", called=called).ring("1")
        dialed = call.instructions[-1]
        assert isinstance(dialed, Dial)
        assert dialed.caller_id == shown


async def test_the_operators_call_is_followed_by_its_result_and_no_number_is_stored(
    call: InboundCall,
) -> None:
    await join(call.app)
    await call.ring("1")
    assert call.instructions[-1] == Dial(OPERATOR.e164, call.position, 20, 3600, a_phone().e164)
    stored = repr(stored_calls(call.app.database))
    assert a_phone().e164 not in stored
    assert OPERATOR.e164 not in stored
    await call.end_dial(DialResult.BUSY)
    assert call.heard.startswith("The operator is busy. Would you like to leave feedback?")
    await call.press("1")
    await call.leave_recording("RE7", 12)

    assert call.heard == "Thank you for your feedback. Goodbye."
    assert call.record.outcome is CallOutcome.RECORDED
    assert call.record.recordings == (Recording("RE7", 12, call.app.clock.now()),)


@pytest.mark.parametrize(
    "position", [Position("main_menu", 7), Position("main_menu", 1, repeat=1), None], ids=repr
)
async def test_a_position_that_was_never_issued_changes_nothing(
    call: InboundCall, position: Position | None
) -> None:
    await join(call.app)
    if position is not None:
        await call.ring()
    before = dict(stored_calls(call.app.database)), dict(call.app.database.identities)

    await call.send(position or Position("gone", 1), Answered(keys="1"))

    assert call.heard == "Sorry, something went wrong. Please call again later. Goodbye."
    assert call.instructions[-1] == HangUp()
    assert (stored_calls(call.app.database), call.app.database.identities) == before


async def test_calls_of_one_caller_are_limited() -> None:
    app = limited(per_caller=SlidingWindow(2, HOUR))
    calls = [InboundCall(app, sid=f"CA{number}") for number in range(3)]
    for call in calls:
        await call.ring()
    other = await InboundCall(app, a_phone(2), "CA-other").ring()

    assert [call.instructions == (Reject(),) for call in calls] == [False, False, True]
    assert other.heard.startswith("Welcome")
    assert set(stored_calls(app.database)) == {call.id for call in (*calls[:2], other)}
    [rejected] = app.events.of_type(CallRejected)
    assert (rejected.limit, rejected.country) == ("per_phone", "US")
    app.clock.advance(HOUR + HOUR / 60)
    await calls[2].ring()
    assert calls[2].heard.startswith("Welcome")


@pytest.mark.parametrize(
    ("total", "phones"),
    [(2, [a_phone(1), a_phone(2), a_phone(3)]), (10, [None, None, None])],
    ids=["in total", "a fifth without a number"],
)
async def test_calls_of_many_callers_are_limited(
    total: int, phones: list[PhoneNumber | None]
) -> None:
    app = limited(total=SlidingWindow(total, HOUR))
    calls = [InboundCall(app, phone, f"CA{number}") for number, phone in enumerate(phones)]
    known = InboundCall(app, a_phone(), "CA-known")
    for call in (*calls, known):
        await call.ring()

    assert [call.instructions == (Reject(),) for call in calls] == [False, False, True]
    assert (known.instructions == (Reject(),)) == (total == 2)
    assert {event.limit for event in app.events.of_type(CallRejected)} == {"inbound_total"}
    used = [use for use in await app.limits.measure_limits() if use.limit == "inbound_total"]
    assert max(use.percent for use in used) == 100


async def connect(app: AppHarness, number: int) -> InboundCall:
    """Call as this number, and ask for the operator."""
    return await InboundCall(app, a_phone(number), f"CA-{number}-{next(SIDS)}").ring("1")


def is_connected(call: InboundCall) -> bool:
    return isinstance(call.instructions[-1], Dial)


async def test_lines_to_the_operator_are_limited_and_released_once() -> None:
    app = limited(lines=2)
    for number in (1, 2, 3):
        await join(app, a_phone(number), f"CA-join-{number}")
        await app.report_call(inbound_call_id(f"CA-join-{number}"))
    first, second, third = [await connect(app, number) for number in (1, 2, 3)]
    assert [is_connected(call) for call in (first, second, third)] == [True, True, False]
    assert third.heard.startswith("The operator is busy.")
    assert app.events.of_type(CallRejected)[-1].limit == "lines_total"
    # Both reports of the end release one line: Dialed, and the status of the call.
    await first.end_dial(DialResult.ANSWERED)
    await app.report_call(first.id)
    assert [is_connected(await connect(app, 3)) for _ in range(2)] == [True, False]
    await app.report_call(second.id)
    assert is_connected(await connect(app, 1))
    # Lost reports free the lines after the longest call: 20 s of ringing, and an hour.
    app.advance(hours=1.1)
    assert is_connected(await connect(app, 2))


async def test_a_chosen_language_is_kept_for_the_next_call() -> None:
    app = AppHarness(policy=make_phone_line(countries=None))
    first, second = (InboundCall(app, PhoneNumber("+919876543210"), sid) for sid in ("CA1", "CA2"))
    await first.ring("9")
    assert first.heard.startswith("हिंदी के लिए 9 दबाएँ। Would you like to join?")
    await first.press("1")
    await first.stay_on_the_line()
    assert first.heard.startswith("Thank you. You have joined")
    await second.ring()
    assert second.heard.startswith("Welcome back to Dialtone.")
    assert [call.value.locale for call in stored_calls(app.database).values()] == ["en"] * 2


@pytest.mark.parametrize(
    ("is_verified", "keys", "outcome"),
    [
        (None, "1", CallOutcome.JOINED),
        (False, "31", CallOutcome.LEFT),
        (True, "31", CallOutcome.LEAVING_EXPLAINED),
    ],
)
async def test_a_request_that_was_killed_is_completed_by_its_repetition(
    is_verified: bool | None, keys: str, outcome: CallOutcome
) -> None:
    async def start() -> tuple[AppHarness, Act, InboundCall]:
        app = AppHarness(policy=PHONE_LINE)
        if is_verified is not None:
            await (app.log_in() if is_verified else join(app))
        call = await InboundCall(app).ring(*(keys if is_verified is None else keys[:-1]))
        last = call.stay_on_the_line if is_verified is None else partial(call.press, keys[-1])
        return app, last, call

    async for app, _, call in at_each_operation(start, Fault.KILLED):
        app.clock.advance(EFFECT_TIMEOUT)
        call.instructions = await call.repeat(app=another_instance(app))
        await call.hang_up()

        assert call.record.outcome is outcome
        (identity,) = app.database.identities.values()
        assert identity.value.is_deleted == (outcome is CallOutcome.LEFT)


@pytest.mark.parametrize("operation", ["identities.add", "phone_verifications.save"])
async def test_an_effect_that_fails_gets_an_apology_for_all_repetitions(operation: str) -> None:
    app = AppHarness(policy=PHONE_LINE)
    call = await InboundCall(app).ring("1")
    app.faults.fail_on(operation)
    with pytest.raises(StorageUnavailable):
        await call.stay_on_the_line()

    call.instructions = await call.repeat()
    assert call.instructions == app.voice.answer_call.apologize(a_phone())
    assert call.record.outcome is CallOutcome.FAILED
    assert app.database.identities == {}


CONSENT: Final = (
    "By staying on the line, you agree that Dialtone stores your phone number and a log of your "
    "calls. You can leave at any time: call this number again. If you do not agree, hang up now."
)


async def identity_of(app: AppHarness) -> Identity | None:
    """Return the identity of the phone, deleted or not."""
    identity_id = app.database.phone_verifications[a_phone()].value.identity_id
    return app.database.identities[identity_id].value if identity_id else None


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


async def test_a_number_that_is_blocked_while_it_joins_does_not_join(app: AppHarness) -> None:
    call = await InboundCall(app).ring()
    app.faults.run_before(
        "phone_verifications.save", lambda: app.identities.operator_actions.block(a_phone())
    )
    await call.press("1")
    await call.stay_on_the_line()
    assert "cannot" in call.heard
    assert await identity_of(app) is None


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
    page = await VOICE.of(app.use_cases).calls.list_calls(principal, None, 10)
    assert [call.is_caller_verified for call in page.calls] == [False]
    change_role = app.identities.operator_actions.change_role
    assert (await change_role(identity_id, Role.ADMINISTRATOR)).is_administrator


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
    app = AppHarness(policy=make_phone_line(call_limits=UNLIMITED))
    await app.add_user()
    app.advance(hours=12)
    await app.request_otp()
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
    for secret in ("Rahul Sharma", identity.id, a_phone().e164, a_phone().e164[-4:], code):
        assert secret not in heard
    assert app.messenger.messages == []
    assert app.call_provider.calls == {}
    for call in stored_calls(app.database).values():
        assert not call.value.is_caller_verified

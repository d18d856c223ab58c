"""The requests of inbound calls: who hears what, and what is stored of it."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from application.features.voice.events import CallRejected
from application.otp.log_in import LoggedIn
from application.ports.otp import DeliveryResult
from domain.features.voice.call import CallDirection, CallStatus, Recording, inbound_call_id
from domain.features.voice.call_limits import CallLimits
from domain.features.voice.flow import DialResult
from domain.features.voice.instructions import Dial, HangUp, Position, Reject
from domain.features.voice.walk import Answered, CallOutcome
from domain.identities.identity import Identity
from domain.otp.delivery import Channel
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, an_identity
from tests.support.fakes.messenger import REJECTED, UNKNOWN
from tests.support.inbound_call import (
    CALL_FLOW,
    CALLER_ID,
    OPERATOR,
    PHONE_LINE,
    InboundCall,
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


async def store_identity(app: AppHarness, identity: Identity) -> None:
    repositories = app.database.repositories()
    await repositories.identities.add(identity)
    verification = (await repositories.phone_verifications.load(a_phone())).value
    await repositories.phone_verifications.save(
        a_phone(), verification.change_owner(identity.id), 0
    )


def limited(per_caller: int = 10, total: int = 1000) -> AppHarness:
    limits = CallLimits(
        per_caller=SlidingWindow(per_caller, HOUR), total=SlidingWindow(total, HOUR)
    )
    return AppHarness(policy=make_phone_line(call_limits=limits))


# Who is calling


@pytest.mark.parametrize(
    "identity",
    [None, an_identity().delete(NOW), an_identity().detach(NOW)],
    ids=["none", "deleted", "detached"],
)
async def test_an_unknown_caller_is_invited_to_join(
    call: InboundCall, identity: Identity | None
) -> None:
    if identity:
        await store_identity(call.app, identity)

    await call.ring()

    assert call.heard.endswith(
        "Would you like to join? Say yes or press 1. To decline, say no or press 2."
    )
    assert call.record.identity_id is None


@pytest.mark.parametrize("called", [a_phone(7), None])
async def test_a_caller_without_a_number_reaches_the_operator_and_feedback(
    app: AppHarness, called: PhoneNumber | None
) -> None:
    call = await InboundCall(app, phone=None, called=called).ring()
    assert call.heard.startswith("Welcome to Dialtone. To talk to an operator, say operator")
    await call.press("1")
    dialed = call.instructions[-1]
    assert isinstance(dialed, Dial)
    assert dialed.caller_id == (called.e164 if called else CALLER_ID)
    await call.end_dial(DialResult.NO_ANSWER)
    await call.press("1")
    await call.leave_recording("RE8")

    assert (call.record.outcome, call.record.identity_id) == (CallOutcome.RECORDED, None)


@pytest.mark.parametrize("keys", [("2",), ("3",), ("4", "1")])
async def test_a_blocked_phone_hears_what_any_phone_hears(
    app: AppHarness, keys: tuple[str, ...]
) -> None:
    free, blocked = InboundCall(app, a_phone(1), "CA1"), InboundCall(app, a_phone(2), "CA2")
    for phone in (a_phone(1), a_phone(2)):
        await app.log_in(phone)
    await app.identities.operator_actions.block(a_phone(2))
    for call in (free, blocked):
        await call.ring(*keys)

    assert free.instructions == blocked.instructions


# What a call leaves


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


# Positions


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


# After the end


async def test_a_call_that_has_ended_has_no_more_effects(call: InboundCall) -> None:
    await call.ring("1")
    await call.app.report_call(call.id)

    await call.stay_on_the_line()

    assert call.instructions == (HangUp(),)
    assert call.app.database.identities == {}


async def test_a_recording_and_the_result_of_a_dial_may_arrive_after_the_end(
    app: AppHarness,
) -> None:
    await join(app)
    recorded, dialed = InboundCall(app, sid="CA1"), InboundCall(app, sid="CA2")
    for call, key in ((recorded, "3"), (dialed, "1")):
        await call.ring(key)
        await app.report_call(call.id)
    await recorded.leave_recording()
    await dialed.end_dial(DialResult.ANSWERED)

    assert [recording.id for recording in recorded.record.recordings] == ["RE1"]
    assert recorded.record.status is CallStatus.COMPLETED
    assert dialed.record.outcome is CallOutcome.CONNECTED


# Limits


async def test_calls_of_one_caller_are_limited() -> None:
    app = limited(per_caller=2)
    calls = [InboundCall(app, sid=f"CA{number}") for number in range(3)]
    for call in calls:
        await call.ring()
    other = await InboundCall(app, a_phone(2), "CA-other").ring()

    assert [call.instructions == (Reject(),) for call in calls] == [False, False, True]
    assert other.heard.startswith("Welcome")
    assert set(stored_calls(app.database)) == {call.id for call in (*calls[:2], other)}
    rejected = CallRejected(phone=a_phone(), channel=Channel.VOICE, limit="per_phone")
    assert app.events.recorded == [rejected]
    assert rejected.country == "US"
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
    app = limited(total=total)
    calls = [InboundCall(app, phone, f"CA{number}") for number, phone in enumerate(phones)]
    known = InboundCall(app, a_phone(), "CA-known")
    for call in (*calls, known):
        await call.ring()

    assert [call.instructions == (Reject(),) for call in calls] == [False, False, True]
    assert (known.instructions == (Reject(),)) == (total == 2)
    assert {event.limit for event in app.events.of_type(CallRejected)} == {"inbound_total"}
    used = [use for use in await app.limits.measure_limits() if use.limit == "inbound_total"]
    assert max(use.percent for use in used) == 100


async def connect(app: AppHarness, number: int, *keys: str) -> InboundCall:
    """Call as this number and press these keys."""
    return await InboundCall(app, a_phone(number), f"CA-{number}-{next(SIDS)}").ring(*keys)


def is_connected(call: InboundCall) -> bool:
    return isinstance(call.instructions[-1], Dial)


async def test_lines_to_the_operator_are_limited_and_released_once() -> None:
    limits = CallLimits(lines=2)
    app = AppHarness(policy=make_phone_line(call_limits=limits))
    for number in (1, 2, 3):
        await join(app, a_phone(number), f"CA-join-{number}")
        await app.report_call(inbound_call_id(f"CA-join-{number}"))
    first, second, third = [await connect(app, number, "1") for number in (1, 2, 3)]
    assert [is_connected(call) for call in (first, second, third)] == [True, True, False]
    assert third.heard.startswith("The operator is busy.")
    assert app.events.of_type(CallRejected)[-1].limit == "lines_total"
    # Both reports of the end release one line: Dialed, and the status of the call.
    await first.end_dial(DialResult.ANSWERED)
    await app.report_call(first.id)
    assert [is_connected(await connect(app, 3, "1")) for _ in range(2)] == [True, False]
    await app.report_call(second.id)
    assert is_connected(await connect(app, 1, "1"))
    # Lost reports free the lines after the longest call.
    app.clock.advance(1.1 * CALL_FLOW.max_line_operator_time)
    assert is_connected(await connect(app, 2, "1"))


async def test_forged_numbers_leave_calls_and_lines_to_verified_numbers() -> None:
    limits = CallLimits(total=SlidingWindow(10, HOUR), lines=5)
    app = AppHarness(policy=make_phone_line(call_limits=limits))
    await app.log_in(a_phone(0))
    forged = [await connect(app, number, "1") for number in range(1, 7)]
    for call in forged:
        await call.stay_on_the_line()
    assert [is_connected(call) for call in forged] == [*[True] * 3, *[False] * 3]
    assert (await connect(app, 7)).instructions == (Reject(),)

    assert all([is_connected(await connect(app, 0, "1")) for _ in range(2)])
    assert (await connect(app, 0)).instructions == (Reject(),)


@pytest.mark.parametrize(("is_verified", "minutes"), [(False, 5), (True, 10)])
async def test_menus_end_after_five_minutes_or_ten_if_the_number_is_verified(
    call: InboundCall, is_verified: bool, minutes: int
) -> None:
    await store_identity(call.app, an_identity(is_verified=is_verified))
    await call.ring()
    call.app.clock.advance(timedelta(minutes=minutes) - timedelta(seconds=1))
    await call.press("8")
    assert not isinstance(call.instructions[-1], HangUp)
    call.app.clock.advance(timedelta(seconds=1))
    await call.press("4")

    assert call.heard == "Goodbye."


# Callbacks


@pytest.mark.parametrize("result", [None, UNKNOWN, REJECTED])
async def test_a_caller_who_hung_up_is_called_back_once(
    call: InboundCall, result: DeliveryResult | None
) -> None:
    identity_id = await join(call.app)
    call.app.call_provider.result = result
    await call.ring("2")

    assert call.heard.startswith("Please hang up.")
    assert call.record.outcome is CallOutcome.CALLBACK
    assert call.app.call_provider.calls == {}
    await call.hang_up()
    await call.hang_up()
    placed_calls = [stored.value for stored in stored_calls(call.app.database).values()][2:]
    assert [(placed.direction, placed.identity_id) for placed in placed_calls] == [
        (CallDirection.OUTBOUND, identity_id)
    ]
    if result is not REJECTED:
        logged_in = await call.app.verify_otp(await call.app.code_of_last_call())
        assert isinstance(logged_in, LoggedIn)
        principal = await call.app.identities.authenticate(logged_in.tokens.access_token)
        assert principal.identity.id == identity_id
    placed = [placed.phone for placed in call.app.call_provider.calls.values()]
    assert placed == [a_phone()] * (result is not REJECTED)


@pytest.mark.parametrize("is_reported", [False, True])
async def test_without_a_status_the_caller_is_called_back_after_the_text(
    call: InboundCall, monkeypatch: pytest.MonkeyPatch, is_reported: bool
) -> None:
    waited, sleep_really = [], asyncio.sleep

    async def sleep(seconds: float) -> None:
        await sleep_really(0)
        if seconds >= 1:
            waited.append(seconds)
            if is_reported:
                await call.hang_up()

    await join(call.app)
    await call.ring()
    monkeypatch.setattr("application.features.voice.call_back.asyncio.sleep", sleep)
    await call.press("2")
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "place_callback"]
    await task

    assert len(call.app.call_provider.calls) == 1
    (seconds,) = waited
    assert 15 < seconds <= 25


def test_an_apology_is_in_the_language_of_the_caller(app: AppHarness) -> None:
    for phone, text in ((None, "Sorry, something"), (PhoneNumber("+919876543210"), "माफ़ कीजिए,")):
        instructions = app.voice.answer_call.apologize(phone)
        assert InboundCall(app, instructions=instructions).heard.startswith(text)
        assert instructions[-1] == HangUp()


async def test_a_chosen_language_is_kept_for_the_next_call_and_the_callback() -> None:
    app = AppHarness(policy=make_phone_line(countries=None))
    first, second = (InboundCall(app, PhoneNumber("+919876543210"), sid) for sid in ("CA1", "CA2"))
    await first.ring("9")
    assert first.heard.startswith("हिंदी के लिए 9 दबाएँ। Would you like to join?")
    await first.press("1")
    await first.stay_on_the_line()
    assert first.heard.startswith("Thank you. You have joined")
    await second.ring()
    assert second.heard.startswith("Welcome back to Dialtone.")
    await second.press("2")
    await second.hang_up()
    # The third one is the callback.
    assert [call.value.locale for call in stored_calls(app.database).values()] == ["en"] * 3

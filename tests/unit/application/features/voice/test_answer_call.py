"""The requests of inbound calls: who hears what, what is stored, and what a repetition does."""

import itertools
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from application.features.voice.call_limiter import CallRejected
from application.ports.errors import StorageUnavailable
from domain.features.voice.call import EFFECT_TIMEOUT, Recording, inbound_call_id
from domain.features.voice.instructions import CallLimits, Dial, HangUp, Position, Reject
from domain.features.voice.step import Answered, CallOutcome, DialResult
from domain.otp.delivery import Channel
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
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


def limited(per_caller: int = 10, total: int = 1000) -> AppHarness:
    limits = CallLimits(
        per_caller=SlidingWindow(per_caller, HOUR), total=SlidingWindow(total, HOUR)
    )
    return AppHarness(policy=make_phone_line(call_limits=limits))


# Who is calling


@pytest.mark.parametrize("keys", [("2",), ("3", "1")])
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


@pytest.mark.parametrize("called", [a_phone(7), None])
async def test_the_operator_sees_the_called_number_for_a_caller_without_one(
    app: AppHarness, called: PhoneNumber | None
) -> None:
    call = await InboundCall(app, phone=None, called=called).ring("1")
    dialed = call.instructions[-1]
    assert isinstance(dialed, Dial)
    assert dialed.caller_id == (called.e164 if called else CALLER_ID)


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
    # Lost reports free the lines after the longest call: 20 s of ringing, and an hour.
    app.advance(hours=1.1)
    assert is_connected(await connect(app, 2, "1"))


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


APOLOGY: Final = "Sorry, something went wrong. Please call again later. Goodbye."


async def app_with_identity(*, is_verified: bool | None) -> AppHarness:
    """Return an app where the phone has a verified identity, an unverified one, or none."""
    app = AppHarness(policy=PHONE_LINE)
    if is_verified:
        await app.log_in()
    elif is_verified is False:
        await join(app)
    return app


def effects(app: AppHarness) -> tuple[int, int]:
    """Return how many identities there are, and how many of them were deleted."""
    identities = [stored.value for stored in app.database.identities.values()]
    return len(identities), sum(identity.is_deleted for identity in identities)


# Failures


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
        app = await app_with_identity(is_verified=is_verified)
        call = await InboundCall(app).ring(*(keys if is_verified is None else keys[:-1]))
        last = call.stay_on_the_line if is_verified is None else partial(call.press, keys[-1])
        return app, last, call

    async for app, _, call in at_each_operation(start, Fault.KILLED):
        app.clock.advance(EFFECT_TIMEOUT)
        call.instructions = await call.repeat(app=another_instance(app))
        await call.hang_up()

        assert call.record.outcome is outcome
        assert effects(app) == (1, outcome is CallOutcome.LEFT)


@pytest.mark.parametrize("operation", ["identities.add", "phone_verifications.save"])
async def test_an_effect_that_fails_gets_an_apology_for_all_repetitions(operation: str) -> None:
    app = AppHarness(policy=PHONE_LINE)
    call = await InboundCall(app).ring("1")
    app.faults.fail_on(operation)
    with pytest.raises(StorageUnavailable):
        await call.stay_on_the_line()

    call.instructions = await call.repeat()
    assert call.instructions == app.voice.answer_call.apologize(a_phone())
    assert call.heard == APOLOGY
    assert call.record.outcome is CallOutcome.FAILED
    assert app.database.identities == {}

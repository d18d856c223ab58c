"""Repeated and simultaneous requests of a call: one effect, and the same response."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import pytest

from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult
from domain.features.voice.call import EFFECT_TIMEOUT
from domain.features.voice.flow import DialResult
from domain.features.voice.instructions import HangUp
from domain.features.voice.walk import CallOutcome
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, NOT_CONNECTED, REJECTED
from tests.support.inbound_call import (
    PHONE_LINE,
    InboundCall,
    RepeatedCall,
    another_instance,
    join,
)

APOLOGY: Final = "Sorry, something went wrong. Please call again later. Goodbye."


Script = Callable[[InboundCall], Awaitable[None]]


async def join_and_leave_feedback(call: InboundCall) -> None:
    await call.press("1")
    await call.stay_on_the_line()
    await call.end_dial(DialResult.NO_ANSWER)
    await call.press("1")
    await call.leave_recording()


async def leave(call: InboundCall) -> None:
    await call.press("4", "1")


async def request_callback(call: InboundCall) -> None:
    await call.press("2")
    await asyncio.gather(call.hang_up(), call.hang_up())


async def app_with_identity(*, is_verified: bool | None) -> AppHarness:
    """Return an app where the phone has a verified identity, an unverified one, or none."""
    app = AppHarness(policy=PHONE_LINE)
    if is_verified:
        await app.log_in()
    elif is_verified is False:
        await join(app)
    app.messenger.messages.clear()
    return app


def effects(app: AppHarness) -> Sequence[int]:
    """Return how many identities there are and were deleted, and messages, callbacks."""
    identities = [stored.value for stored in app.database.identities.values()]
    return (
        len(identities),
        sum(identity.is_deleted for identity in identities),
        len(app.messenger.messages),
        len(app.call_provider.calls),
    )


SCRIPTS: Final = [
    pytest.param(None, join_and_leave_feedback, CallOutcome.RECORDED, (1, 0, 0, 0), id="join"),
    pytest.param(False, leave, CallOutcome.LEFT, (1, 1, 0, 0), id="leave"),
    pytest.param(True, leave, CallOutcome.LEAVING_EXPLAINED, (1, 0, 1, 0), id="explain"),
    pytest.param(False, request_callback, CallOutcome.CALLBACK, (1, 0, 0, 1), id="callback"),
]


@pytest.mark.parametrize(("is_verified", "script", "outcome", "expected"), SCRIPTS)
async def test_requests_that_arrive_several_times_are_processed_once(
    is_verified: bool | None,
    script: Script,
    outcome: CallOutcome,
    expected: Sequence[int],
) -> None:
    for delay in (0, 1, 4):  # turns of the loop; together, close and farther apart
        app = await app_with_identity(is_verified=is_verified)
        call = RepeatedCall(app, delay=delay)
        await call.ring()
        await script(call)

        assert call.record.outcome is outcome, delay
        assert effects(app) == expected, delay
        assert len(call.record.path) == len(set(call.record.path))
        assert len(call.record.recordings) == (outcome is CallOutcome.RECORDED)


# While the effect takes long


async def explaining_call(app: AppHarness) -> InboundCall:
    """Return a call that is one request before the message is sent."""
    await app.log_in()
    app.messenger.messages.clear()
    app.messenger.arrived.clear()
    return await InboundCall(app).ring("4")


async def open_gate_after(app: AppHarness, seconds: float) -> None:
    app.messenger.gate = asyncio.Event()
    await asyncio.sleep(seconds)  # the repetition waits, and there is no event for that
    app.messenger.gate.set()


@pytest.mark.parametrize(("seconds", "is_answered"), [(9, True), (14.5, False)])
async def test_a_repetition_waits_for_the_effect_of_the_first_request_but_not_too_long(
    seconds: float, is_answered: bool
) -> None:
    app = AppHarness(policy=PHONE_LINE)
    call = await explaining_call(app)
    gate = asyncio.create_task(open_gate_after(app, seconds))
    first = asyncio.create_task(call.press("1"))
    await app.messenger.arrived.wait()
    second = await call.repeat(app=another_instance(app))
    await asyncio.gather(gate, first)

    assert (second == call.instructions) == is_answered
    assert second[-1] == HangUp()
    assert call.heard.startswith("To leave, open the app")
    assert call.record.outcome is CallOutcome.LEAVING_EXPLAINED
    assert len(app.messenger.messages) == 1


async def test_an_abandoned_effect_is_carried_out_by_the_repetition() -> None:
    app = AppHarness(policy=PHONE_LINE)
    call = await explaining_call(app)
    app.messenger.gate = asyncio.Event()
    first = asyncio.create_task(call.press("1"))
    await app.messenger.arrived.wait()
    app.clock.advance(EFFECT_TIMEOUT)
    second = await call.repeat(app=another_instance(app))
    app.messenger.gate.set()
    await first

    assert second == call.instructions
    assert len(app.messenger.messages) == 1


# Failures


@pytest.mark.parametrize(
    ("is_verified", "keys", "outcome"),
    [
        (None, "1", CallOutcome.JOINED),
        (False, "41", CallOutcome.LEFT),
        (True, "41", CallOutcome.LEAVING_EXPLAINED),
        (False, "2", CallOutcome.CALLBACK),
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
        identities, deleted, messages, callbacks = effects(app)
        assert (identities, deleted) == (1, outcome is CallOutcome.LEFT)
        assert messages <= 1
        assert callbacks == (outcome is CallOutcome.CALLBACK)


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


@pytest.mark.parametrize(
    ("result", "minutes"), [(NOT_CONNECTED, 0), (REJECTED, 61)], ids=["at once", "in an hour"]
)
async def test_a_message_that_no_provider_accepts_can_be_sent_again(
    result: DeliveryResult, minutes: int
) -> None:
    app = AppHarness(policy=PHONE_LINE)
    call = await explaining_call(app)
    app.messenger.result = result
    await call.press("1")
    app.messenger.result = ACCEPTED
    # Two are allowed in a day, and the rejected one does not count in it.
    for number, passed in enumerate((0, minutes, 61, 61)):
        app.advance(minutes=passed)
        await InboundCall(app, sid=f"CB{number}").ring("4", "1")

    assert len(app.messenger.messages) == 3

"""Repeated and simultaneous requests of a call: one effect, and the same response."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from application.ports.errors import StorageUnavailable
from domain.features.voice.call import EFFECT_TIMEOUT
from domain.features.voice.step import CallOutcome, ClaimedCaller, DialResult, Effect
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import a_phone
from tests.support.inbound_call import PHONE_LINE, InboundCall, RepeatedCall, another_instance, join

APOLOGY: Final = "Sorry, something went wrong. Please call again later. Goodbye."


Script = Callable[[InboundCall], Awaitable[None]]


async def join_and_leave_feedback(call: InboundCall) -> None:
    await call.press("1")
    await call.stay_on_the_line()
    await call.end_dial(DialResult.NO_ANSWER)
    await call.press("1")
    await call.leave_recording()


async def leave(call: InboundCall) -> None:
    await call.press("3", "1")


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


SCRIPTS: Final = [
    pytest.param(None, join_and_leave_feedback, CallOutcome.RECORDED, (1, 0), id="join"),
    pytest.param(False, leave, CallOutcome.LEFT, (1, 1), id="leave"),
    pytest.param(True, leave, CallOutcome.LEAVING_EXPLAINED, (1, 0), id="explain"),
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


class SlowEffect:
    """Carries out an effect when the gate is open."""

    def __init__(self, app: AppHarness) -> None:
        self.carry_out = app.voice.answer_call.carry_out
        self.arrived, self.gate = asyncio.Event(), asyncio.Event()
        slow: Any = self
        app.voice.answer_call = replace(app.voice.answer_call, carry_out=slow)

    async def __call__(self, effect: Effect, caller: ClaimedCaller) -> bool:
        self.arrived.set()
        await self.gate.wait()
        return await self.carry_out(effect, caller)

    async def open_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # the repetition waits, and there is no event for that
        self.gate.set()


@pytest.mark.parametrize(("seconds", "is_answered"), [(9, True), (14.5, False)])
async def test_a_repetition_waits_for_the_effect_of_the_first_request_but_not_too_long(
    seconds: float, is_answered: bool
) -> None:
    app = AppHarness(policy=PHONE_LINE)
    call, effect = await InboundCall(app).ring("1"), SlowEffect(app)
    opening = asyncio.create_task(effect.open_after(seconds))
    first = asyncio.create_task(call.stay_on_the_line())
    await effect.arrived.wait()
    second = await call.repeat(app=another_instance(app))
    await asyncio.gather(opening, first)

    assert (second == call.instructions) == is_answered
    assert call.heard.startswith("Thank you. You have joined")
    assert call.record.outcome is CallOutcome.JOINED
    assert effects(app) == (1, 0)


async def test_an_abandoned_effect_is_carried_out_by_the_repetition() -> None:
    app = AppHarness(policy=PHONE_LINE)
    call, effect = await InboundCall(app).ring("1"), SlowEffect(app)
    first = asyncio.create_task(call.stay_on_the_line())
    await effect.arrived.wait()
    app.clock.advance(EFFECT_TIMEOUT)
    second = await call.repeat(app=another_instance(app))
    effect.gate.set()
    await first

    assert second == call.instructions
    assert effects(app) == (1, 0)


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

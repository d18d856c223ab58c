from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.voice.call import EFFECT_TIMEOUT, Call, CallDirection, CallStatus, Recording
from domain.voice.instructions import HangUp, Position
from domain.voice.walk import CallBack, CallOutcome, KeepRecording, Step

NOW = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)
CALL = Call(id="c1", direction=CallDirection.INBOUND, started_at=NOW)
MENU, EFFECT = Position("menu"), Position("code", 2)
FINAL = [status for status in CallStatus if status.is_final]


def test_the_final_statuses() -> None:
    assert {status.value for status in FINAL} == {
        "completed",
        "busy",
        "no_answer",
        "failed",
        "canceled",
    }


@given(st.lists(st.sampled_from(CallStatus)))
def test_a_status_never_goes_backwards(reported: list[CallStatus]) -> None:
    calls = [CALL]
    for status in reported:
        calls.append(calls[-1].advance_status(status, LATER))

    for earlier, later in pairwise(calls):
        assert later is earlier or later.status.follows(earlier.status)
        assert not earlier.status.is_final or later is earlier
    assert (calls[-1].ended_at is not None) == calls[-1].status.is_final


@pytest.mark.parametrize("status", FINAL)
def test_a_call_ends_with_its_first_final_status(status: CallStatus) -> None:
    call = CALL.advance_status(status, LATER)

    assert (call.ended_at, call.duration) == (LATER, timedelta(seconds=90))
    for other in CallStatus:
        assert call.advance_status(other, LATER + timedelta(days=1)) is call


def test_a_call_that_has_not_ended_has_no_duration() -> None:
    assert CALL.advance_status(CallStatus.IN_PROGRESS, NOW).duration is None


def test_a_clock_that_steps_back_makes_no_negative_duration() -> None:
    ended = CALL.advance_status(CallStatus.BUSY, NOW - timedelta(hours=1))

    assert ended.duration == timedelta()


def test_a_request_is_processed_once() -> None:
    first = Step((HangUp(),), MENU, ("welcome", "menu"))
    call = CALL.complete(None, first, now=NOW)

    repeated = call.complete(None, Step((), None, ("other",)), now=NOW)

    assert repeated is call
    assert call.path == ("welcome", "menu")
    turn = call.find_turn(None)
    assert turn
    assert turn.instructions == (HangUp(),)
    assert call.awaits(MENU)
    assert not call.awaits(None)
    assert not call.awaits(EFFECT)


def test_the_last_outcome_counts() -> None:
    call = CALL.complete(None, Step((), MENU, outcome=CallOutcome.JOINED), now=NOW)
    call = call.complete(MENU, Step((), None), now=NOW)

    assert call.outcome is CallOutcome.JOINED


def test_an_effect_is_pending_until_its_request_completes() -> None:
    step = Step((), EFFECT, ("code",), CallBack())
    call = CALL.complete(None, Step((), MENU), now=NOW).begin_effect(step, NOW)

    assert call.pending_effect
    assert call.pending_effect.effect == CallBack()
    assert not call.pending_effect.is_abandoned(NOW)
    assert call.pending_effect.is_abandoned(NOW + EFFECT_TIMEOUT)

    after = Step((HangUp(),), None, ("bye",), outcome=CallOutcome.CALLBACK)
    done = call.complete(MENU, step, after, now=NOW)
    assert done.pending_effect is None
    assert (done.path, done.position) == (("code", "bye"), None)
    assert done.outcome is CallOutcome.CALLBACK
    turn = done.find_turn(MENU)
    assert turn
    assert turn.instructions == (HangUp(),)


def test_a_step_without_effect_begins_none() -> None:
    assert CALL.begin_effect(Step((), MENU), NOW) is CALL


def test_a_recording_is_kept_once() -> None:
    step = Step((), MENU, effect=KeepRecording("RE1", 5))
    call = CALL.complete(MENU, step, Step((), None), now=NOW)
    call = call.complete(EFFECT, step, Step((), None), now=LATER)

    assert call.recordings == (Recording("RE1", 5, NOW),)
    assert call.remove_recording("RE1").recordings == ()


def test_the_first_provider_call_id_stays() -> None:
    call = CALL.set_provider_call_id("CA1").set_provider_call_id("CA2")

    assert call.provider_call_id == "CA1"


def test_a_deleted_identity_is_forgotten() -> None:
    call = Call(id="c", direction=CallDirection.OUTBOUND, started_at=NOW, identity_id="i")

    assert call.forget_identity().identity_id is None

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.voice.call import EFFECT_TIMEOUT, CallStatus, Recording
from domain.voice.instructions import HangUp, Position
from domain.voice.walk import CallBack, CallOutcome, KeepRecording, Step
from tests.support.builders import NOW, a_call

LATER = NOW + timedelta(seconds=90)
CALL = a_call()
MENU, EFFECT = Position("menu"), Position("code", 2)
FINAL = [CallStatus(text) for text in ("completed", "busy", "no_answer", "failed", "canceled")]


@given(st.lists(st.sampled_from(CallStatus)))
def test_a_status_never_goes_backwards(reported: list[CallStatus]) -> None:
    calls = [CALL]
    for status in reported:
        calls.append(calls[-1].advance_status(status, LATER))
    for earlier, later in pairwise(calls):
        assert later is earlier or later.status.follows(earlier.status)
        assert not earlier.status.is_final or later is earlier
    assert (calls[-1].ended_at is not None) == (calls[-1].status in FINAL)


def test_a_duration_is_that_of_an_ended_call_and_never_negative() -> None:
    assert CALL.advance_status(CallStatus.IN_PROGRESS, NOW).duration is None
    set_back = CALL.advance_status(CallStatus.BUSY, NOW - timedelta(hours=1))
    assert set_back.duration == timedelta()


def test_a_request_is_processed_once() -> None:
    call = CALL.complete(None, Step((HangUp(),), MENU, ("welcome", "menu")), now=NOW)
    assert call.complete(None, Step((), None, ("other",)), now=NOW) is call
    assert call.path == ("welcome", "menu")
    turn = call.find_turn(None)
    assert turn
    assert turn.instructions == (HangUp(),)
    assert [call.awaits(position) for position in (MENU, None, EFFECT)] == [True, False, False]


def test_the_last_outcome_counts() -> None:
    call = CALL.complete(None, Step((), MENU, outcome=CallOutcome.JOINED), now=NOW)
    assert call.complete(MENU, Step((), None), now=NOW).outcome is CallOutcome.JOINED


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


def test_a_recording_is_kept_once() -> None:
    step = Step((), MENU, effect=KeepRecording("RE1", 5))
    call = CALL.complete(MENU, step, Step((), None), now=NOW)
    call = call.complete(EFFECT, step, Step((), None), now=LATER)
    assert call.recordings == (Recording("RE1", 5, NOW),)
    assert call.remove_recording("RE1").recordings == ()

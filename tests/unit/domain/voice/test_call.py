from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.voice.call import EFFECT_TIMEOUT, CallStatus, Recording
from domain.voice.instructions import HangUp, Position
from domain.voice.walk import CallOutcome, Recorded, Step
from tests.support.builders import NOW, a_call

LATER = NOW + timedelta(seconds=90)
CALL = a_call()
MENU, OTHER = Position("menu"), Position("code", 2)
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
    assert [call.awaits(position) for position in (MENU, None, OTHER)] == [True, False, False]


def test_the_last_outcome_counts() -> None:
    call = CALL.complete(None, Step((), MENU, outcome=CallOutcome.JOINED), now=NOW)
    assert call.complete(MENU, Step((), None), now=NOW).outcome is CallOutcome.JOINED


def test_an_effect_is_pending_until_its_request_completes() -> None:
    call = a_call(effect_started_at=NOW)
    assert call.is_effect_pending(NOW)
    assert not call.is_effect_pending(NOW + EFFECT_TIMEOUT)
    assert not call.complete(MENU, Step((), None), now=NOW).is_effect_pending(NOW)


def test_a_recording_is_kept_once() -> None:
    recorded = Recorded("RE1", 5)
    call = CALL.keep_recording(recorded, NOW).keep_recording(recorded, LATER)
    assert call.recordings == (Recording("RE1", 5, NOW),)
    assert call.remove_recording("RE1").recordings == ()

"""The status, the outcome and the limits of a call."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidIdentifier
from domain.features.voice.call import CallStatus
from domain.features.voice.instructions import CallLimits, Position
from domain.features.voice.step import CallOutcome, Step
from domain.otp.rate_limits import name_limit
from tests.support.builders import NOW
from tests.support.voice.builders import a_call

LATER = NOW + timedelta(seconds=90)
CALL = a_call()
MENU = Position("menu")
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


def test_the_last_outcome_counts() -> None:
    call = CALL.complete(None, Step((), MENU, outcome=CallOutcome.JOINED), now=NOW)
    assert call.complete(MENU, Step((), None), now=NOW).outcome is CallOutcome.JOINED


def test_no_id_is_from_elsewhere() -> None:
    with pytest.raises(InvalidIdentifier):
        a_call(id="user-1")
    with pytest.raises(InvalidIdentifier):
        a_call(identity_id="user-1")


def test_each_limit_of_calls_has_a_name() -> None:
    limits = CallLimits(lines=3)
    every = (*limits.for_call("ab"), *limits.for_line_operator_call("ab"))
    assert [(*name_limit(limit), limit.window.limit) for limit in every] == [
        ("per_phone", "", 10),
        ("inbound_total", "", 1_000),
        ("per_phone", "", 3),
        ("operator_total", "", 100),
        ("lines_total", "", 3),
    ]
    shared = [(*name_limit(limit), limit.window.limit) for limit in limits.shared_limits]
    assert [name for name in shared if name[1]] == [
        ("inbound_total", "anonymous", 200),
        ("operator_total", "anonymous", 20),
    ]

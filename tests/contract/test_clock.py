from datetime import timedelta

import pytest

from adapters.operations.system import SystemClock
from application.ports.system import Clock
from tests.support.fakes.clock import MovableClock


@pytest.fixture(params=[MovableClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    clock: Clock = request.param()
    return clock


def test_the_time_is_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_the_time_is_in_whole_milliseconds(clock: Clock) -> None:
    assert {clock.now().microsecond % 1000 for _ in range(100)} == {0}

"""How long a request waits for the database."""

from application.ports.current_request import MIN_STORAGE_SECONDS, CurrentRequest

TIMEOUT = 4.5


def call(request: CurrentRequest, now: float, seconds: float) -> None:
    request.begin_storage_call(now)
    request.end_storage_call(now + seconds)


def test_calls_at_the_same_time_count_once() -> None:
    request = CurrentRequest({}, 100.0)
    request.begin_storage_call(100.0)
    call(request, 101.0, 1.0)
    request.end_storage_call(103.0)
    assert request.storage_deadline(103.0, TIMEOUT) == 104.5


def test_other_work_takes_from_the_time_but_leaves_a_second() -> None:
    request = CurrentRequest({}, 100.0)
    call(request, 100.0, 0.5)
    assert request.storage_deadline(102.0, TIMEOUT) == 104.5
    # An image was decoded for a long time.
    assert request.storage_deadline(110.0, TIMEOUT) == 110.0 + MIN_STORAGE_SECONDS
    call(request, 110.0, 3.9)
    assert round(request.storage_deadline(113.9, TIMEOUT), 6) == 114.0

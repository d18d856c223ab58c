"""The service is killed (-9) between every two steps of a call's request.

A step is a call to database, messenger or Twilio. Twilio repeats the request that got no response.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import httpx
import pytest

from tests.e2e.phone_line import PHONE_LINE_DATABASES, PhoneLine, run_phone_line, spoken_code
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.servers.fake_twilio import PhoneCall

EFFECT_TIMEOUT = timedelta(seconds=31)
_numbers = itertools.count(1)


@pytest.fixture(params=PHONE_LINE_DATABASES, ids=lambda database: database.__name__)
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PhoneLine]:
    environ, read_records = request.param(request, tmp_path)
    with run_phone_line(tmp_path, environ, read_records, run_faulty_service) as line:
        yield line


def new_phone() -> str:
    return f"+1415559{next(_numbers):04d}"


def completes_before_kill(
    line: PhoneLine, steps: int, call: PhoneCall, action: Callable[[], object]
) -> bool:
    """Return whether a request has fewer steps. Otherwise it was killed, and Twilio retries."""
    service = cast("FaultyService", line.service)
    service.kill_after(steps)
    try:
        action()
    except httpx.TransportError:
        service.kill()
        service.keep_alive()
        service.advance_clock(EFFECT_TIMEOUT)
        service.start()
        call.retry()
        return False
    service.keep_alive()
    return True


def test_a_caller_joins_once(line: PhoneLine) -> None:
    for steps in itertools.count(1):
        before = line.identities().keys()
        call = line.call(new_phone())
        is_complete = completes_before_kill(line, steps, call, partial(call.press, "1"))
        assert call.waits_for == "Dial", call.heard
        assert len(line.identities().keys() - before) == 1
        if is_complete:
            break
    assert steps > 3


def test_a_phone_is_called_back_at_most_once(line: PhoneLine) -> None:
    for steps in itertools.count(1):
        phone = new_phone()
        line.join(phone)
        call = line.call(phone)
        is_complete = completes_before_kill(line, steps, call, partial(call.press, "2"))
        assert call.status == "completed"
        placed = len(line.callbacks(phone))
        assert placed in ((1,) if is_complete else (0, 1))
        if placed:
            assert line.verify(phone, line.hear_code(phone))["success"] is True
        if is_complete:
            break
    assert steps > 4


def test_a_recording_is_kept_once(line: PhoneLine) -> None:
    for steps in itertools.count(1):
        phone = new_phone()
        line.join(phone)
        call = line.call(phone, "3")
        is_complete = completes_before_kill(
            line, steps, call, partial(call.leave_recording, b"sound")
        )
        assert call.heard[-1] == "Thank you for your feedback. Goodbye."
        (sid,) = line.twilio.recordings.keys()
        line.twilio.recordings.clear()
        records = [text for text in line.read_records()["calls"].values() if sid in text]
        assert len(records) == 1
        if is_complete:
            break
    assert steps > 2


def test_a_code_call_goes_on_after_a_kill(line: PhoneLine) -> None:
    for steps in itertools.count(1):
        phone = new_phone()
        line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
        call = line.receive(phone)
        call.answer()
        is_complete = completes_before_kill(line, steps, call, partial(call.press, "1"))
        assert line.verify(phone, spoken_code(call))["success"] is True
        if is_complete:
            break
    assert steps > 2

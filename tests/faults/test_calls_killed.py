"""The service is killed (-9) before and after what a call's request writes or causes.

Twilio repeats the request that got no response. `test_repeated_requests.py` of the unit tests kills
each request of a call at each of its writes.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import httpx
import pytest

from tests.e2e.phone_line import PhoneLine, run_phone_line
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service

EFFECT_TIMEOUT = timedelta(seconds=31)
MEMBER = "+14155590002"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneLine]:
    with run_phone_line(tmp_path_factory.mktemp("killed"), start=run_faulty_service) as line:
        line.join(MEMBER)
        yield line


def test_a_phone_is_called_back_once(line: PhoneLine) -> None:
    before = len(line.callbacks(MEMBER))
    call = line.call(MEMBER)

    service = cast("FaultyService", line.service)
    service.add_fault(Fault("calls.replace", is_done=True, kill=True))
    with pytest.raises(httpx.TransportError):
        call.press("2")
    service.kill()
    service.advance_clock(EFFECT_TIMEOUT)
    service.start()
    call.retry()

    assert call.status == "completed"
    assert len(line.callbacks(MEMBER)) == before + 1
    assert line.verify(MEMBER, line.hear_code(MEMBER, before + 1))["success"] is True


@pytest.mark.parametrize("is_done", [False, True])
def test_a_callback_is_not_placed_again_after_a_kill(line: PhoneLine, is_done: bool) -> None:
    phone = f"+1415559001{int(is_done)}"
    line.join(phone)
    call, service = line.call(phone), cast("FaultyService", line.service)
    service.add_fault(Fault("call_provider.place_call", is_done=is_done, kill=True))
    with pytest.raises(httpx.TransportError):
        call.press("2")  # the status of the call places the callback
    service.kill()
    service.start()

    assert call.repeat().status_code == 204
    assert len(line.callbacks(phone)) == is_done

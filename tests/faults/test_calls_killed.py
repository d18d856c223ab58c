"""The service is killed (-9) before and after what a call's request writes or causes.

Twilio repeats the request that got no response.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import cast

import httpx
import pytest

from tests.e2e.phone_line import PhoneLine, run_phone_line, spoken_code
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.servers.fake_twilio import PhoneCall

EFFECT_TIMEOUT = timedelta(seconds=31)
REPLACED = Fault("calls.replace", is_done=True, kill=True)
NOT_REPLACED = Fault("calls.replace", kill=True)
PHONE = "+14155590001"
MEMBER = "+14155590002"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneLine]:
    with run_phone_line(tmp_path_factory.mktemp("killed"), start=run_faulty_service) as line:
        line.join(MEMBER)
        yield line


def kill_in(line: PhoneLine, fault: Fault, call: PhoneCall, action: Callable[[], object]) -> None:
    """Kill the service at this point of an action; then Twilio repeats the request."""
    service = cast("FaultyService", line.service)
    service.add_fault(fault)
    with pytest.raises(httpx.TransportError):
        action()
    service.kill()
    assert not service.has_fault
    service.advance_clock(EFFECT_TIMEOUT)
    service.start()
    call.retry()


def test_a_caller_joins_once(line: PhoneLine) -> None:
    before = line.identities().keys()
    call = line.call(PHONE)

    kill_in(line, Fault("identities.add", is_done=True, kill=True), call, partial(call.press, "1"))

    assert call.waits_for == "Dial", call.heard
    assert len(line.identities().keys() - before) == 1


@pytest.mark.parametrize("fault", [NOT_REPLACED, REPLACED], ids=str)
def test_a_phone_is_called_back_once(line: PhoneLine, fault: Fault) -> None:
    before = len(line.callbacks(MEMBER))
    call = line.call(MEMBER)

    kill_in(line, fault, call, partial(call.press, "2"))

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


def test_the_call_with_the_code_goes_on(line: PhoneLine) -> None:
    phone = "+14155590003"
    line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    call = line.receive(phone)
    call.answer()

    kill_in(line, REPLACED, call, partial(call.press, "1"))

    assert line.verify(phone, spoken_code(call))["success"] is True

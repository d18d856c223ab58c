"""The service is killed (-9) before and after what a call's request writes or causes.

Twilio repeats the request that got no response.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import cache, partial
from typing import cast

import httpx
import pytest

from tests.e2e.phone_line import (
    PHONE_LINE_DATABASES,
    PhoneLine,
    PhoneLineDatabase,
    run_phone_line,
    spoken_code,
)
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.servers.fake_twilio import PhoneCall

EFFECT_TIMEOUT = timedelta(seconds=31)
REPLACED = Fault("calls.replace", is_done=True, kill=True)
NOT_REPLACED = Fault("calls.replace", kill=True)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def start_line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[PhoneLineDatabase], PhoneLine]]:
    with ExitStack() as stack:

        @cache
        def start(database: PhoneLineDatabase) -> PhoneLine:
            folder = tmp_path_factory.mktemp("killed")
            return stack.enter_context(
                run_phone_line(request, folder, database, start=run_faulty_service)
            )

        yield start


@pytest.fixture(params=PHONE_LINE_DATABASES, ids=lambda database: database.__name__)
def line(
    request: pytest.FixtureRequest, start_line: Callable[[PhoneLineDatabase], PhoneLine]
) -> PhoneLine:
    return start_line(request.param)


@pytest.fixture
def phone() -> str:
    return f"+1415559{next(_numbers):04d}"


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


@pytest.mark.parametrize(
    "fault",
    [
        NOT_REPLACED,
        REPLACED,
        Fault("phone_verifications.replace", is_done=True, kill=True),
        Fault("identities.add", is_done=True, kill=True),
    ],
    ids=str,
)
def test_a_caller_joins_once(line: PhoneLine, phone: str, fault: Fault) -> None:
    before = line.identities().keys()
    call = line.call(phone)

    kill_in(line, fault, call, partial(call.press, "1"))

    assert call.waits_for == "Dial", call.heard
    assert len(line.identities().keys() - before) == 1


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (NOT_REPLACED, 1),
        # Nobody knows whether the phone rings, so it is not called again.
        (REPLACED, 0),
        (Fault("calls.add", kill=True), 0),
        (Fault("call_provider.place_call", kill=True), 0),
        (Fault("call_provider.place_call", is_done=True, kill=True), 1),
    ],
    ids=str,
)
def test_a_phone_is_called_back_at_most_once(
    line: PhoneLine, phone: str, fault: Fault, count: int
) -> None:
    line.join(phone)
    call = line.call(phone)

    kill_in(line, fault, call, partial(call.press, "2"))

    assert call.status == "completed"
    assert len(line.callbacks(phone)) == count
    if count:
        assert line.verify(phone, line.hear_code(phone))["success"] is True


@pytest.mark.parametrize("fault", [NOT_REPLACED, REPLACED], ids=str)
def test_a_recording_is_kept_once(line: PhoneLine, phone: str, fault: Fault) -> None:
    line.join(phone)
    call = line.call(phone, "3")

    kill_in(line, fault, call, partial(call.leave_recording, b"sound"))

    assert call.heard[-1] == "Thank you for your feedback. Goodbye."
    sid = list(line.twilio.recordings)[-1]
    records = [text for text in line.records("calls").values() if sid in text]
    assert len(records) == 1


@pytest.mark.parametrize("fault", [NOT_REPLACED, REPLACED], ids=str)
def test_the_call_with_the_code_goes_on(line: PhoneLine, phone: str, fault: Fault) -> None:
    line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    call = line.receive(phone)
    call.answer()

    kill_in(line, fault, call, partial(call.press, "1"))

    assert line.verify(phone, spoken_code(call))["success"] is True


@pytest.mark.parametrize("fault", [NOT_REPLACED, REPLACED], ids=str)
def test_a_final_status_is_recorded(line: PhoneLine, phone: str, fault: Fault) -> None:
    call = line.call(phone)
    service = cast("FaultyService", line.service)
    service.add_fault(fault)
    with pytest.raises(httpx.TransportError):
        call.hang_up()
    service.kill()
    service.start()

    assert call.repeat().status == 204

    entry = line.log_entry(call)
    assert (entry["status"], entry["path"]) == ("completed", ["welcome", "join"])

"""Limits of calls, blocked phones, and what calls leave behind.

The service has small limits, and its clock is moved.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

import httpx
import pytest

from tests.e2e.phone_line import (
    CALLBACK,
    PHONE_LINE_DATABASES,
    PhoneLine,
    PhoneLineDatabase,
    run_phone_line,
)
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.servers.fake_twilio import PhoneCall

CALLS_PER_CALLER = 4
CALLS_IN_TOTAL = 12
CALLBACKS_PER_COUNTRY = 3
VOICE_PER_COUNTRY = 5
UNRECOGNIZED_VOICE = 3
REFUSED = "Sorry, we cannot call this number back now. Please try again later. Goodbye."
LIMITS = {
    "DIALTONE_INBOUND_LIMIT_PER_CALLER": f"{CALLS_PER_CALLER}/1h",
    "DIALTONE_INBOUND_LIMIT_TOTAL": f"{CALLS_IN_TOTAL}/1h",
    "DIALTONE_CALLBACK_LIMIT_PER_COUNTRY": f"{CALLBACKS_PER_COUNTRY}/1h",
    "DIALTONE_VOICE_LIMIT_PER_COUNTRY": f"{VOICE_PER_COUNTRY}/1h",
    "DIALTONE_RECORDING_RETENTION": "20h",
    "DIALTONE_CALL_RETENTION": "40h",
}


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """The clock of a service that is moved."""

    service: FaultyService

    def now(self) -> datetime:
        return datetime.now(UTC) + self.service.clock_offset


@pytest.fixture(scope="module")
def start_line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[PhoneLineDatabase], PhoneLine]]:
    with ExitStack() as stack:

        @cache
        def start(database: PhoneLineDatabase) -> PhoneLine:
            folder = tmp_path_factory.mktemp("clock")
            line = stack.enter_context(
                run_phone_line(request, folder, database, LIMITS, run_faulty_service)
            )
            line.clock = ServiceClock(cast("FaultyService", line.service))
            return line

        yield start


@pytest.fixture(params=PHONE_LINE_DATABASES, ids=lambda database: database.__name__)
def line(
    request: pytest.FixtureRequest, start_line: Callable[[PhoneLineDatabase], PhoneLine]
) -> PhoneLine:
    """A service whose limits are not used up."""
    line = start_line(request.param)
    wait(line, days=1, hours=1)
    return line


def wait(line: PhoneLine, **duration: Any) -> None:
    """Advance the clock of the service."""
    cast("FaultyService", line.service).advance_clock(timedelta(**duration))


def is_rejected(call: PhoneCall) -> bool:
    """Return whether the service did not answer the call at all."""
    is_busy = (call.heard, call.status) == ([], "busy")
    assert is_busy == ("<Reject" in call.responses[0].text)
    return is_busy


def test_calls_over_the_limits_are_rejected_and_leave_no_record(
    line: PhoneLine, phone: str, other_phone: str
) -> None:
    calls = [line.call(phone) for _ in range(CALLS_PER_CALLER + 1)]

    assert [is_rejected(call) for call in calls] == [False] * CALLS_PER_CALLER + [True]
    # A repeated request is not another call, and the same request gets the same response.
    assert calls[0].repeat(0) == calls[0].responses[0]
    assert calls[-1].repeat(0) == calls[-1].responses[0]
    others = [line.call(caller) for caller in [other_phone, "+442071838750"] * CALLS_PER_CALLER]
    assert not any(is_rejected(call) for call in others)
    records = line.records("calls")
    assert is_rejected(line.call("+14155559999"))
    assert line.records("calls").keys() == records.keys()
    wait(line, hours=1, minutes=1)
    assert not is_rejected(line.call(phone))


def test_an_ongoing_call_is_not_rejected(line: PhoneLine, phone: str) -> None:
    calls = [line.call(phone) for _ in range(CALLS_PER_CALLER)]
    assert is_rejected(line.call(phone))

    calls[0].press("2")

    assert calls[0].heard[-1] == "You have not joined. Goodbye."


def test_a_phone_is_called_back_twice_an_hour_and_three_times_a_day(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)

    answers = [line.call(phone, "2").heard[-1] for _ in range(3)]

    assert answers == [CALLBACK, CALLBACK, REFUSED]
    assert len(line.callbacks(phone)) == 2
    wait(line, hours=1, minutes=1)
    assert line.call(phone, "2").heard[-1] == CALLBACK
    wait(line, hours=1, minutes=1)
    assert line.call(phone, "2").heard[-1] == REFUSED
    assert len(line.callbacks(phone)) == 3
    # The app's messages have limits of their own.
    assert line.sign_in(phone)
    wait(line, hours=24)
    assert line.call(phone, "2").heard[-1] == CALLBACK


def test_a_refused_callback_leaves_the_code_of_the_last_one_valid(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    for _ in range(3):
        line.call(phone, "2")

    code = line.hear_code(phone, 2)

    assert line.verify(phone, code)["success"] is True


def test_a_country_is_called_back_a_few_times_an_hour(line: PhoneLine, phone: str) -> None:
    *numbers, late = [
        f"+91987{phone[-4:]}{number:03d}" for number in range(CALLBACKS_PER_COUNTRY + 1)
    ]
    for number in (*numbers, late):
        line.join(number)
    wait(line, hours=2)

    for number in (*numbers, late):
        line.call(number, "2")
    line.join(phone)
    other_country = line.call(phone, "2")

    placed = [len(line.callbacks(number)) for number in (*numbers, late)]
    assert placed == [1] * CALLBACKS_PER_COUNTRY + [0]
    assert other_country.heard[-1] == CALLBACK


def request_otp(line: PhoneLine, phone: str, **fields: str) -> httpx.Response:
    return line.http.post("/auth/request-otp", json={"phone": phone, **fields})


def test_calls_of_apps_have_a_limit_per_country_of_their_own(line: PhoneLine, phone: str) -> None:
    numbers = [f"+4915112{phone[-4:]}{number:02d}" for number in range(UNRECOGNIZED_VOICE + 1)]

    calls = [request_otp(line, number, channel="voice") for number in numbers]

    assert [call.status_code for call in calls] == [200] * UNRECOGNIZED_VOICE + [429]
    assert int(calls[-1].headers["retry-after"]) > 0
    assert request_otp(line, numbers[-1]).json()["sent"] is True


def test_a_call_after_a_message_reads_the_same_code_unless_it_was_used(
    line: PhoneLine, phone: str
) -> None:
    request_otp(line, phone)
    wait(line, seconds=16)
    assert request_otp(line, phone, channel="voice").json()["sent"] is True

    code = line.hear_code(phone)

    assert code in line.messages(phone)[0]
    wait(line, seconds=16)
    assert request_otp(line, phone, channel="voice").json()["sent"] is True
    assert line.verify(phone, code)["success"] is True
    late = line.receive(phone, 2)
    late.answer()
    assert (late.heard, late.waits_for) == ([], None)


def test_recordings_and_calls_are_deleted_after_their_retention(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    sids: list[str] = []
    records: list[str] = []
    for _ in range(3):
        before = line.records("calls").keys()
        sids.append(line.call(phone, "3").leave_recording(b"sound"))
        records += line.records("calls").keys() - before
        wait(line, hours=21)
    wait(line, hours=-10)

    line.cleanup()

    # The first call is 53 hours old, the second 32, and the last one 11.
    assert line.twilio.recordings.keys() & set(sids) == {sids[2]}
    assert line.records("calls").keys() & set(records) == set(records[1:])


def test_a_message_to_a_blocked_phone_looks_sent_after_a_while(line: PhoneLine, phone: str) -> None:
    request_otp(line, phone)
    line.report_messages(phone, "sent")
    blocked = request_otp(line, line.blocked_phone).json()["request_id"]

    wait(line, minutes=1)

    assert line.http.get(f"/auth/requests/{blocked}").json()["status"] == "sent"
    wait(line, hours=1)
    assert line.http.get(f"/auth/requests/{blocked}").json()["status"] == "sent"
    assert line.messages(line.blocked_phone) == []


def test_a_blocked_phone_hears_the_same_and_is_not_called_back(
    line: PhoneLine, phone: str, other_phone: str
) -> None:
    line.join(phone)
    line.sign_up(other_phone)

    for keys in (("2",), ("3",), ("9", "#", "*")):
        callers = (phone, other_phone, line.blocked_phone)
        assert len({tuple(line.call(caller, *keys).heard) for caller in callers}) == 1

    counts = [len(line.callbacks(caller)) for caller in (phone, other_phone, line.blocked_phone)]
    assert counts == [1, 1, 0]


def test_an_app_gets_the_same_response_for_a_blocked_phone_and_no_call(
    line: PhoneLine, phone: str
) -> None:
    usual = request_otp(line, phone, channel="voice").json()
    calls = len(line.twilio.placed)

    blocked = request_otp(line, line.blocked_phone, channel="voice").json()

    assert len(line.twilio.placed) == calls
    assert blocked.pop("request_id") != usual.pop("request_id")
    assert blocked == usual
    assert usual["sent"] is True

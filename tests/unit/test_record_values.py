"""Each value of an enumeration has a stored form."""

from typing import Any

import pytest

from domain.otp.delivery_report import ReportedStatus
from domain.voice.call import CallDirection, CallStatus
from domain.voice.walk import CallOutcome
from tests.support.builders import a_delivery_report
from tests.support.full_records import MAPPINGS
from tests.support.voice.builders import a_call


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("delivery_reports", a_delivery_report(status=status)) for status in ReportedStatus),
        *(("calls", a_call(direction=direction)) for direction in CallDirection),
        *(("calls", a_call(status=status)) for status in CallStatus),
        *(("calls", a_call(outcome=outcome)) for outcome in CallOutcome),
    ],
)
def test_each_status_direction_and_outcome_is_stored(kind: str, value: Any) -> None:
    mapping = MAPPINGS[kind]
    record = mapping.to_record(value)

    assert mapping.to_value(mapping.kind.convert(mapping.kind.to_fields(record))) == value

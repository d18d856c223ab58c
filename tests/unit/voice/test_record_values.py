"""Each value of an enumeration of calls has a stored form."""

from typing import Any

import pytest

from domain.voice.call import CallDirection, CallStatus
from domain.voice.walk import CallOutcome
from tests.support.full_records import MAPPINGS
from tests.support.voice.builders import a_call


@pytest.mark.parametrize(
    "call",
    [
        *(a_call(direction=direction) for direction in CallDirection),
        *(a_call(status=status) for status in CallStatus),
        *(a_call(outcome=outcome) for outcome in CallOutcome),
    ],
)
def test_each_status_direction_and_outcome_is_stored(call: Any) -> None:
    mapping = MAPPINGS["calls"]
    record = mapping.to_record(call)

    assert mapping.to_value(mapping.kind.convert(mapping.kind.to_fields(record))) == call

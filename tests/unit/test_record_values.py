"""Each value of an enumeration has a stored form."""

import pytest

from domain.otp.delivery_report import ReportedStatus
from tests.support.builders import a_delivery_report
from tests.support.full_records import MAPPINGS


@pytest.mark.parametrize("status", ReportedStatus)
def test_each_reported_status_is_stored(status: ReportedStatus) -> None:
    mapping, value = MAPPINGS["delivery_reports"], a_delivery_report(status=status)
    record = mapping.to_record(value)

    assert mapping.to_value(mapping.kind.convert(mapping.kind.to_fields(record))) == value

"""A timestamp of the API has one form, which Dart and JavaScript parse as the same instant."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrypoints.http.fields import format_timestamp
from tests.support.examples import examples

# The form of ECMA-262 (21.4.1.32), which Dart's DateTime.parse accepts too. With fewer digits of
# the fraction, or without the offset, some clients would parse another instant.
FORM: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
DAY: Final = timedelta(days=1)
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-1439, 1439))
@example(FIRST, 0)
@example(LAST, 0)
@example(datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), 0)
@example(datetime(2000, 2, 29, 23, 59, 59, 999999, UTC), 0)
@example(datetime(2026, 12, 31, 23, 59, 59, 999500, UTC), 0)
@example(datetime(2026, 1, 1, 2, tzinfo=UTC), 330)
@settings(max_examples=examples(30))
def test_any_time_is_in_utc_and_truncated_to_milliseconds(time: datetime, minutes: int) -> None:
    text = format_timestamp(time)

    assert FORM.fullmatch(text)
    truncated = time.replace(microsecond=time.microsecond // 1000 * 1000)
    assert datetime.fromisoformat(text) == truncated
    if FIRST + DAY < time < LAST - DAY:
        with_offset = time.astimezone(timezone(timedelta(minutes=minutes)))
        assert format_timestamp(with_offset) == text

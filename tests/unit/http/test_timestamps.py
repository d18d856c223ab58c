"""Every client parses a timestamp of the API as the same instant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from application.media.library import LibraryItem
from application.ports.media_files import MediaUrl
from domain.identities.identity import User
from domain.identities.username import Username
from entrypoints.http.fields import format_timestamp
from entrypoints.http.library.schemas import LibraryItemResponse, to_item_response
from entrypoints.http.users.schemas import to_user_response
from tests.support.builders import NOW, an_identity, an_item
from tests.support.examples import examples
from tests.unit.http.timestamp_parsers import parse_with_dart, parse_with_javascript

PARSERS: Final = [parse_with_dart, parse_with_javascript]
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
TIMES: Final = st.datetimes(timezones=st.just(UTC))
DAY: Final = timedelta(days=1)


@given(TIMES, st.integers(-1439, 1439))
@example(FIRST, 0)
@example(LAST, 0)
@example(datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), 0)
@example(datetime(2000, 2, 29, 23, 59, 59, 999999, UTC), 0)
@example(datetime(2026, 12, 31, 23, 59, 59, 999500, UTC), 0)
@example(datetime(2026, 1, 1, 2, tzinfo=UTC), 330)
@settings(max_examples=examples(30))
def test_both_clients_parse_any_time_truncated_to_milliseconds(
    time: datetime, minutes: int
) -> None:
    text = format_timestamp(time)

    truncated = time.replace(microsecond=time.microsecond // 1000 * 1000)
    assert {parse(text) for parse in PARSERS} == {truncated}
    assert text.endswith("Z")
    if FIRST + DAY < time < LAST - DAY:
        with_offset = time.astimezone(timezone(timedelta(minutes=minutes)))
        assert format_timestamp(with_offset) == text


def test_both_clients_parse_the_times_of_users_and_items() -> None:
    created, expires = NOW, NOW + DAY
    identity = an_identity(user=User(Username("Rahul Sharma"), created))
    user = to_user_response(identity, identity)
    shown = LibraryItem(an_item(created_at=created), MediaUrl("http://a", expires))
    item = to_item_response(shown, LibraryItemResponse)
    assert isinstance(item.url_expires_at, str)
    for parse in PARSERS:
        assert parse(user.created_on) == parse(item.created_at) == created
        assert parse(item.url_expires_at) == expires


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_the_parsers_here_accept_every_offset_and_reject_ambiguous_times(
    parse: Callable[[str], datetime],
) -> None:
    for text in ("09:30:00.000Z", "15:00:00+05:30", "04:30:00.000-05:00"):
        assert parse(f"2026-05-01T{text}") == datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
    for text in ("", "T09:30:00.000", "T09:30:00.000 UTC", "T09:30:00.000+00:00[UTC]"):
        with pytest.raises(AssertionError):
            parse(f"2026-05-01{text}")

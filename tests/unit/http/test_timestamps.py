"""Every client parses a timestamp of the API as the same instant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from application.media.library import LibraryItem
from application.ports.media_files import MediaUrl
from domain.identifier import make_identifier
from domain.identities.identity import User
from domain.identities.username import Username
from entrypoints.http.app import CONTROLLERS
from entrypoints.http.dependencies import HttpSettings
from entrypoints.http.fields import format_timestamp
from entrypoints.http.library.schemas import LibraryItemResponse, to_item_response
from entrypoints.http.openapi.description import describe_api
from entrypoints.http.users.schemas import to_user_response
from tests.support.builders import an_identity, an_item
from tests.support.examples import examples
from tests.unit.http.timestamp_parsers import parse_with_dart, parse_with_javascript

PARSERS: Final = [parse_with_dart, parse_with_javascript]
MILLISECOND: Final = timedelta(milliseconds=1)
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
TIMES: Final = st.datetimes(timezones=st.just(UTC))
BOUNDARIES: Final = [
    FIRST,
    LAST,
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2000, 2, 29, 23, 59, 59, 999999, UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999500, UTC),
    datetime(2038, 1, 19, 3, 14, 8, 1, UTC),
]


def truncated(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@pytest.mark.parametrize("time", BOUNDARIES, ids=str)
def test_boundaries_of_years_and_seconds_are_exact(
    parse: Callable[[str], datetime], time: datetime
) -> None:
    assert parse(format_timestamp(time)) == truncated(time)


@given(TIMES)
@settings(max_examples=examples(20))
def test_both_clients_parse_the_time_truncated_to_milliseconds(time: datetime) -> None:
    parsed = {parse(format_timestamp(time)) for parse in PARSERS}
    assert parsed == {truncated(time)}
    assert timedelta(0) <= time - truncated(time) < MILLISECOND


@given(TIMES, st.integers(-1439, 1439))
@settings(max_examples=examples(20))
@example(datetime(2026, 1, 1, 2, tzinfo=UTC), 330)
def test_a_time_with_any_offset_is_formatted_in_utc(time: datetime, minutes: int) -> None:
    time = min(max(time, FIRST + timedelta(days=1)), LAST - timedelta(days=1))
    with_offset = time.astimezone(timezone(timedelta(minutes=minutes)))
    assert format_timestamp(with_offset) == format_timestamp(time)
    assert format_timestamp(time).endswith("Z")


@given(st.lists(TIMES, min_size=2, max_size=10))
@example([datetime(2038, 1, 19, 3, 14, second, tzinfo=UTC) for second in (7, 8)])
@settings(max_examples=examples(12))
def test_timestamps_and_ids_sort_like_their_times(times: list[datetime]) -> None:
    assert sorted(times, key=lambda time: (format_timestamp(time), time)) == sorted(times)
    since_1970 = sorted(time for time in times if 1970 <= time.year < 2106)
    prefixes = [make_identifier(time, bytes(8))[:8] for time in since_1970]
    assert all(earlier <= later for earlier, later in pairwise(prefixes))


@given(TIMES, TIMES)
@settings(max_examples=examples(8))
def test_both_clients_parse_the_times_of_users_and_items(
    created: datetime, expires: datetime
) -> None:
    identity = an_identity(user=User(Username("Rahul Sharma"), created))
    user = to_user_response(identity, identity)
    shown = LibraryItem(an_item(created_at=created), MediaUrl("http://a", expires))
    item = to_item_response(shown, LibraryItemResponse)
    assert isinstance(item.url_expires_at, str)
    for parse in PARSERS:
        assert parse(user.created_on) == parse(item.created_at) == truncated(created)
        assert parse(item.url_expires_at) == truncated(expires)


def test_both_clients_parse_every_time_in_the_description() -> None:
    description = msgspec.json.encode(
        describe_api(CONTROLLERS, HttpSettings("1", "http://127.0.0.1:8000", 20_000_000))
    )
    texts = _find_times(msgspec.json.decode(description))
    assert len(texts) >= 3
    for text in texts:
        assert parse_with_dart(text) == parse_with_javascript(text)
        assert format_timestamp(parse_with_dart(text)) == text


def _find_times(part: Any) -> list[str]:
    if isinstance(part, list):
        return [text for element in part for text in _find_times(element)]
    if not isinstance(part, dict):
        return []
    is_time = part.get("format") == "date-time"
    times = [text for text in part.get("examples", ()) if is_time and isinstance(text, str)]
    return times + [text for element in part.values() for text in _find_times(element)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T09:30:00.000",
        "2026-05-01T09:30:00",
        "2026-05-01",
        "1777627800",
        "2026-05-01T09:30:00.000 UTC",
        "Fri, 01 May 2026 09:30:00 GMT",
        "2026-05-01T09:30:00.000+00:00[UTC]",
        "",
    ],
)
@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_the_parsers_here_reject_ambiguous_times(
    parse: Callable[[str], datetime], text: str
) -> None:
    with pytest.raises(AssertionError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T09:30:00.000Z",
        "2026-05-01T09:30:00.000+00:00",
        "2026-05-01T15:00:00+05:30",
        "2026-05-01T04:30:00.000-05:00",
    ],
)
def test_the_parsers_here_accept_every_offset(text: str) -> None:
    assert {parse(text) for parse in PARSERS} == {datetime(2026, 5, 1, 9, 30, tzinfo=UTC)}

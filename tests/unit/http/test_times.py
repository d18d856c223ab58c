"""Every time that is sent is one instant, whoever reads it."""

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
from application.principal import Principal
from domain.identifier import make_identifier
from domain.identities.identity import User
from domain.identities.username import Username
from entrypoints.http.api_page.description import describe_api
from entrypoints.http.app import CONTROLLERS
from entrypoints.http.http_settings import HttpSettings
from entrypoints.http.library_schemas import Item, show_item
from entrypoints.http.times import iso
from entrypoints.http.user_schemas import show_user
from tests.support.builders import a_session, an_identity, an_item
from tests.support.examples import examples
from tests.unit.http.time_readers import read_by_dart, read_by_javascript

READERS: Final = [read_by_dart, read_by_javascript]
MILLISECOND: Final = timedelta(milliseconds=1)
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
TIMES: Final = st.datetimes(timezones=st.just(UTC))
EDGES: Final = [
    FIRST,
    LAST,
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2000, 2, 29, 23, 59, 59, 999999, UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999500, UTC),
    datetime(2038, 1, 19, 3, 14, 8, 1, UTC),
]


def cut(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("time", EDGES, ids=str)
def test_years_and_seconds_end_where_they_do(
    read: Callable[[str], datetime], time: datetime
) -> None:
    assert read(iso(time)) == cut(time)


@given(TIMES)
@settings(max_examples=examples(20))
def test_both_read_the_instant_to_the_millisecond_and_none_that_has_not_come(
    time: datetime,
) -> None:
    read = {reader(iso(time)) for reader in READERS}
    assert read == {cut(time)}
    assert timedelta(0) <= time - cut(time) < MILLISECOND


@given(TIMES, st.integers(-1439, 1439))
@settings(max_examples=examples(20))
@example(datetime(2026, 1, 1, 2, tzinfo=UTC), 330)
def test_whatever_offset_a_time_has_it_is_sent_in_utc(time: datetime, minutes: int) -> None:
    time = min(max(time, FIRST + timedelta(days=1)), LAST - timedelta(days=1))
    elsewhere = time.astimezone(timezone(timedelta(minutes=minutes)))
    assert iso(elsewhere) == iso(time)
    assert iso(time).endswith("Z")


@given(st.lists(TIMES, min_size=2, max_size=10))
@example([datetime(2038, 1, 19, 3, 14, second, tzinfo=UTC) for second in (7, 8)])
@settings(max_examples=examples(12))
def test_times_are_in_order_as_texts_and_so_are_the_ids_made_then(times: list[datetime]) -> None:
    assert sorted(times, key=lambda time: (iso(time), time)) == sorted(times)
    since_1970 = sorted(time for time in times if 1970 <= time.year < 2106)
    stamps = [make_identifier(time, bytes(8))[:8] for time in since_1970]
    assert all(one <= other for one, other in pairwise(stamps))


@given(TIMES, TIMES)
@settings(max_examples=examples(8))
def test_users_and_items_are_shown_with_times_that_both_read(
    created: datetime, expires: datetime
) -> None:
    identity = an_identity(user=User(Username("Rahul Sharma"), created))
    user = show_user(identity, Principal(identity, a_session()))
    item = show_item(LibraryItem(an_item(created_at=created), MediaUrl("http://a", expires)), Item)
    assert isinstance(item.url_expires_at, str)
    for read in READERS:
        assert read(user.created_on) == read(item.created_at) == cut(created)
        assert read(item.url_expires_at) == cut(expires)


def test_every_time_that_is_described_is_shown_as_both_read_it() -> None:
    described = msgspec.json.encode(
        describe_api(CONTROLLERS, HttpSettings("1", "http://127.0.0.1:8000", 20_000_000))
    )
    texts = list(_times(msgspec.json.decode(described)))
    assert len(texts) >= 3
    for text in texts:
        assert read_by_dart(text) == read_by_javascript(text)
        assert iso(read_by_dart(text)) == text


def _times(part: Any) -> list[str]:
    if isinstance(part, list):
        return [text for one in part for text in _times(one)]
    if not isinstance(part, dict):
        return []
    is_time = "ISO 8601" in str(part.get("description", ""))
    shown = [one for one in part.get("examples", ()) if is_time and isinstance(one, str)]
    return shown + [text for one in part.values() for text in _times(one)]


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
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_the_readers_here_take_nothing_that_theirs_would_not_or_not_everywhere_alike(
    read: Callable[[str], datetime], text: str
) -> None:
    with pytest.raises(AssertionError):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T09:30:00.000Z",
        "2026-05-01T09:30:00.000+00:00",
        "2026-05-01T15:00:00+05:30",
        "2026-05-01T04:30:00.000-05:00",
    ],
)
def test_the_readers_here_take_each_spelling_of_an_instant(text: str) -> None:
    assert {read(text) for read in READERS} == {datetime(2026, 5, 1, 9, 30, tzinfo=UTC)}

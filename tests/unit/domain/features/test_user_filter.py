"""Which users are listed, and the cursors of their pages."""

from datetime import UTC, datetime

import pytest

from domain.cursor import Cursor
from domain.errors import InvalidCursor, InvalidValue
from domain.features.admin import UserFilter, parse_created_since
from domain.identities.role import Role
from tests.support.builders import NOW, an_id

CURSOR = Cursor(NOW, an_id(1))
FILTERS = [
    UserFilter(),
    UserFilter(created_since=NOW),
    UserFilter(is_blocked=True),
    UserFilter(is_blocked=False),
    UserFilter(role=Role.MEMBER),
]


def test_a_cursor_is_of_one_filter() -> None:
    for encoding in FILTERS:
        text = encoding.encode_cursor(CURSOR)
        for parsing in FILTERS:
            if parsing == encoding:
                assert parsing.parse_cursor(text) == CURSOR
            else:
                with pytest.raises(InvalidCursor, match="another filter"):
                    parsing.parse_cursor(text)
    for text in ("", "x", UserFilter().encode_cursor(CURSOR)[:38]):
        with pytest.raises(InvalidCursor, match="not a cursor"):
            UserFilter().parse_cursor(text)


@pytest.mark.parametrize(
    "text",
    ["2026-05-01", "2026-05-01T00:00:00Z", "2026-05-01T02:00:00.000+02:00"],
)
def test_a_time_or_a_date_is_parsed(text: str) -> None:
    assert parse_created_since(text) == datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "2026-13-01",
        "2026-05-01T09:30:00",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_anything_else_is_invalid(text: str) -> None:
    with pytest.raises(InvalidValue, match="Send a time like"):
        parse_created_since(text)

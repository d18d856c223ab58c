"""The data of the app: a flat object, of a limited size, that is the same in every database."""

from typing import Any

import pytest

from domain.errors import InvalidCharacters, InvalidNumber, TooLong, TooShort, UnsupportedValue
from domain.features.app_data import MAX_APP_DATA_BYTES, MAX_KEY_LENGTH, parse_app_data
from domain.json_values import MAX_INTEGER
from tests.support.builders import an_id


def test_what_is_kept_is_what_was_sent() -> None:
    values = {
        "plan": "Zoë 👩‍🚀\\u0000\n",
        "$set.a": -MAX_INTEGER,
        "half": 0.5,
        "large": 1e300,
        "is_paid": True,
        "k" * MAX_KEY_LENGTH: None,
    }
    data = parse_app_data(an_id(), values)
    assert data is not None
    assert (data.id, data.values) == (an_id(), values)
    assert data.values["is_paid"] is True
    assert parse_app_data(an_id(), dict(reversed(values.items()))) == data
    assert parse_app_data(an_id(), {}) is None
    # They are equal in Python, and another one of them is a change.
    assert len({parse_app_data(an_id(), {"paid": value}) for value in (1, True, 1.0)}) == 3


def test_the_limit_counts_bytes_of_compact_json() -> None:
    longest = "é" * ((MAX_APP_DATA_BYTES - len('{"a":""}')) // 2)
    assert parse_app_data(an_id(), {"a": longest})
    with pytest.raises(TooLong, match="4098 bytes"):
        parse_app_data(an_id(), {"a": f"{longest}é"})


def test_an_error_says_what_to_do() -> None:
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"": 1}, TooShort, "at least one character"),
        ({"k" * (MAX_KEY_LENGTH + 1): 1}, TooLong, "at most 64 characters"),
        ({"address": {"city": "Pune"}}, UnsupportedValue, "'address' is no text"),
        ({"id": MAX_INTEGER + 1}, InvalidNumber, "as a text"),
        ({"plan": "Zoë\0"}, InvalidCharacters, r"U\+0000"),
    ]
    for values, error, advice in cases:
        with pytest.raises(error, match=advice):
            parse_app_data(an_id(), values)

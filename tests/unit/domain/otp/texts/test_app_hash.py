"""The hash by which Android knows whose message it is."""

import pytest

from domain.errors import InvalidValue
from domain.otp.texts.app_hash import parse_app_hash


@pytest.mark.parametrize("text", ["FA+9qCX9VSu", "01234567/9a"])
def test_an_app_hash_is_taken_as_it_is(text: str) -> None:
    assert parse_app_hash(text) == text


@pytest.mark.parametrize(
    "text", ["", "FA+9qCX9VS", "FA+9qCX9VSuu", "FA-9qCX9VSu", "FA+9qCX9VS=", "FA+9qCX9VSu\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidValue, match=r"\AAn app hash has 11 characters: letters, digits, .*/"
    ):
        parse_app_hash(text)

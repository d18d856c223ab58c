"""The session of the console: its cookie, and the token of its forms."""

import pytest

from domain.features.console import format_cookie, is_form_token, make_form_token, parse_cookie

ID = "0a" * 12
SECRET = "5b" * 32


def test_a_cookie_is_parsed_into_what_it_was_made_of() -> None:
    assert parse_cookie(format_cookie(ID, SECRET)) == (ID, SECRET)


@pytest.mark.parametrize("token", ["", "é", make_form_token(SECRET).upper(), SECRET])
def test_another_text_is_no_form_token(token: str) -> None:
    assert not is_form_token(token, SECRET)


def test_each_cookie_has_a_form_token_of_its_own() -> None:
    assert is_form_token(make_form_token(SECRET), SECRET)
    assert not is_form_token(make_form_token(SECRET), "5c" * 32)

"""Service tokens, which users are listed, and the cursors of their pages."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.administration.audit import Actor, ActorKind
from domain.administration.scopes import Scope
from domain.cursor import Cursor
from domain.errors import InvalidCursor, InvalidValue, TooLong, UnsupportedValue
from domain.features.admin import (
    MAX_TOKEN_NAME_LENGTH,
    ServiceToken,
    UserFilter,
    format_token,
    parse_created_since,
    parse_scopes,
    parse_token,
    parse_token_name,
)
from domain.identifier import hash_secret
from domain.identities.role import Role
from tests.support.builders import NOW, an_id

SECRET = "5e" * 32


def a_token() -> ServiceToken:
    return ServiceToken(
        id=an_id(),
        name="the help desk",
        scopes=(Scope.READ_USERS,),
        secret_hash=hash_secret(SECRET),
        created_at=NOW,
        created_by=Actor(ActorKind.OPERATING_SYSTEM_USER, "jane"),
        expires_at=NOW + timedelta(days=90),
    )


def test_a_token_is_valid_with_its_secret_until_it_expires_or_is_revoked() -> None:
    token = a_token()
    assert token.accepts(SECRET, NOW)
    assert not token.accepts("5f" * 32, NOW)
    assert not token.accepts(SECRET, token.expires_at)
    assert not token.revoke(NOW).accepts(SECRET, NOW)


def test_what_a_backend_sends_has_the_id_and_256_bits_and_is_not_stored() -> None:
    text = format_token(an_id(), SECRET)
    assert text == f"dta_{an_id()}_{SECRET}"
    assert parse_token(text) == (an_id(), SECRET)
    assert SECRET not in repr(a_token())
    for other in ("", "dta_", f"dta_{an_id()}_", f"{text}0", text.replace("dta", "dtb")):
        assert parse_token(other) is None


def test_scopes_are_named_once_with_commas_or_one_by_one() -> None:
    expected = [Role.SUPPORT, Scope.READ_USERS, Scope.READ_AUDIT]
    assert parse_scopes(["audit:read,users:read", "users:read,support"]) == expected
    with pytest.raises(UnsupportedValue):
        parse_scopes(["member"])
    with pytest.raises(UnsupportedValue, match="users:read"):
        parse_scopes(["users:write"])
    with pytest.raises(UnsupportedValue):
        parse_scopes([" , "])
    with pytest.raises(UnsupportedValue, match="'calls:read' is not a scope of a token"):
        parse_scopes(["calls:read"])


def test_the_name_of_a_token_is_one_line_of_text_and_hides_phones() -> None:
    assert parse_token_name("desk of +1 415 555 2671") == "desk of +* *** *** ****"
    for text in ("", " ", "the\x07desk", "d" * (MAX_TOKEN_NAME_LENGTH + 1)):
        with pytest.raises((InvalidValue, TooLong)):
            parse_token_name(text)


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


def test_a_time_or_a_date_is_parsed() -> None:
    for text in ("2026-05-01", "2026-05-01T00:00:00Z", "2026-05-01T02:00:00.000+02:00"):
        assert parse_created_since(text) == datetime(2026, 5, 1, tzinfo=UTC)
    for text in ("now", "2026-13-01", "2026-05-01T09:30:00", "0001-01-01T00:00:00+01:00"):
        with pytest.raises(InvalidValue, match="Send a time like"):
            parse_created_since(text)

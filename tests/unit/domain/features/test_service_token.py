from datetime import timedelta

import pytest

from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.errors import InvalidValue, TooLong, UnsupportedValue
from domain.features.admin import (
    MAX_TOKEN_NAME_LENGTH,
    ServiceToken,
    format_token,
    parse_scopes,
    parse_token,
    parse_token_name,
)
from domain.identities.role import Role
from domain.secret_hash import hash_secret
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


@pytest.mark.parametrize(
    "text", ["", "dta_", f"dta_{an_id()}_", f"dta_{an_id()}_{SECRET}0", f"dtb_{an_id()}_{SECRET}"]
)
def test_other_texts_are_no_tokens(text: str) -> None:
    assert parse_token(text) is None


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


def test_the_name_of_a_token_hides_phones() -> None:
    assert parse_token_name("desk of +1 415 555 2671") == "desk of +* *** *** ****"


@pytest.mark.parametrize("text", ["", " ", "the\x07desk", "d" * (MAX_TOKEN_NAME_LENGTH + 1)])
def test_the_name_of_a_token_is_one_line_of_text(text: str) -> None:
    with pytest.raises((InvalidValue, TooLong)):
        parse_token_name(text)

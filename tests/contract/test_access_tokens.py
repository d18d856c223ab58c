from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.errors import InvalidToken
from application.ports.keys import AccessTokens, TokenClaims
from tests.support.builders import NOW, an_id
from tests.support.keys import access_tokens

CLAIMS = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15))
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def tokens() -> AccessTokens:
    return access_tokens(1)


@pytest.mark.parametrize("generation", [None, 7])
def test_a_token_has_its_claims_with_whole_seconds_for_all_instances(
    tokens: AccessTokens, generation: int | None
) -> None:
    claims = replace(CLAIMS, generation=generation)
    later = timedelta(milliseconds=999)
    precise = replace(
        claims, issued_at=claims.issued_at + later, expires_at=claims.expires_at + later
    )
    assert access_tokens(1).verify(tokens.issue(precise), NOW) == claims


def test_a_token_is_valid_until_it_expires(tokens: AccessTokens) -> None:
    token = tokens.issue(CLAIMS)
    assert tokens.verify(token, CLAIMS.expires_at - MILLISECOND) == CLAIMS
    with pytest.raises(InvalidToken):
        tokens.verify(token, CLAIMS.expires_at)


def test_a_token_signed_with_another_key_is_rejected(tokens: AccessTokens) -> None:
    with pytest.raises(InvalidToken) as raised:
        tokens.verify(token := access_tokens(2).issue(CLAIMS), NOW)
    assert token not in str(raised.value)


@pytest.mark.parametrize("text", ["", "\ud800", "{}\n", "Bearer {}"])
def test_malformed_text_and_a_token_with_text_around_it_are_rejected(
    tokens: AccessTokens, text: str
) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(text.format(tokens.issue(CLAIMS)), NOW)


def test_a_token_with_any_character_changed_is_rejected(tokens: AccessTokens) -> None:
    token = tokens.issue(CLAIMS)

    for position, character in enumerate(token):
        changed = token[:position] + ("A" if character != "A" else "B") + token[position + 1 :]
        with pytest.raises(InvalidToken):
            tokens.verify(changed, NOW)

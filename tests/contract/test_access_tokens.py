from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.errors import InvalidToken
from application.ports.keys import AccessTokens, TokenClaims
from tests.support.builders import NOW, an_id
from tests.support.keys import access_tokens

CLAIMS = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15))
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture(params=[access_tokens], ids=["jwt"])
def with_key(request: pytest.FixtureRequest) -> Callable[[int], AccessTokens]:
    """Return a function that creates the adapter with the key of a number."""
    create: Callable[[int], AccessTokens] = request.param
    return create


@pytest.fixture
def tokens(with_key: Callable[[int], AccessTokens]) -> AccessTokens:
    return with_key(1)


@pytest.mark.parametrize("generation", [None, 7])
def test_a_token_contains_the_claims_that_it_was_issued_for(
    tokens: AccessTokens, generation: int | None
) -> None:
    claims = replace(CLAIMS, generation=generation)
    assert tokens.verify(tokens.issue(claims), NOW) == claims


def test_another_instance_with_the_same_key_accepts_a_token(
    with_key: Callable[[int], AccessTokens],
) -> None:
    assert with_key(1).verify(with_key(1).issue(CLAIMS), NOW) == CLAIMS


def test_times_are_truncated_to_whole_seconds(tokens: AccessTokens) -> None:
    precise = TokenClaims(
        CLAIMS.identity_id,
        CLAIMS.session_id,
        CLAIMS.issued_at + timedelta(milliseconds=999),
        CLAIMS.expires_at + timedelta(milliseconds=999),
    )

    assert tokens.verify(tokens.issue(precise), NOW) == CLAIMS


def test_a_token_is_valid_until_the_last_millisecond(tokens: AccessTokens) -> None:
    assert tokens.verify(tokens.issue(CLAIMS), CLAIMS.expires_at - MILLISECOND) == CLAIMS


@pytest.mark.parametrize("after", [timedelta(0), MILLISECOND, timedelta(days=1000)])
def test_an_expired_token_is_rejected(tokens: AccessTokens, after: timedelta) -> None:
    token = tokens.issue(CLAIMS)

    with pytest.raises(InvalidToken):
        tokens.verify(token, CLAIMS.expires_at + after)


def test_a_token_signed_with_another_key_is_rejected(
    with_key: Callable[[int], AccessTokens],
) -> None:
    token = with_key(2).issue(CLAIMS)

    with pytest.raises(InvalidToken):
        with_key(1).verify(token, NOW)


def test_a_token_with_any_character_changed_is_rejected(tokens: AccessTokens) -> None:
    token = tokens.issue(CLAIMS)

    for position, character in enumerate(token):
        changed = token[:position] + ("A" if character != "A" else "B") + token[position + 1 :]
        with pytest.raises(InvalidToken):
            tokens.verify(changed, NOW)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "token", "é", "\ud800", "\x00", " ", "{}", "a" * 1_000_000]
)
def test_malformed_text_is_rejected(tokens: AccessTokens, text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(text, NOW)


@pytest.mark.parametrize("text", ["{} ", " {}", "{}\n", "{}=", "{}.", "Bearer {}"])
def test_a_token_with_text_around_it_is_rejected(tokens: AccessTokens, text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(text.format(tokens.issue(CLAIMS)), NOW)


def test_the_error_does_not_contain_the_token(tokens: AccessTokens) -> None:
    token = tokens.issue(CLAIMS)[:-1]

    with pytest.raises(InvalidToken) as raised:
        tokens.verify(token, NOW)

    assert token not in str(raised.value)

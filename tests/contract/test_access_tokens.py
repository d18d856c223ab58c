from collections.abc import Callable
from datetime import timedelta

import pytest

from adapters.jwt import JwtAccessTokens
from application.ports.access_tokens import AccessTokens, TokenClaims
from application.ports.errors import InvalidToken
from tests.support.builders import NOW, an_id
from tests.support.fakes.access_tokens import FakeAccessTokens
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.keys import signing_key

MakeTokens = Callable[[int], AccessTokens]
CLAIMS = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15))
A_MILLISECOND = timedelta(milliseconds=1)


def fake(key: int) -> AccessTokens:
    return FakeAccessTokens(bytes([key]))


def jwt(key: int) -> AccessTokens:
    ring = FakeKeyRing(("0000000a", signing_key(key)))
    return JwtAccessTokens(ring, issuer="us", audience="them")


@pytest.fixture(params=[fake, jwt], ids=lambda make: make.__name__)
def make_tokens(request: pytest.FixtureRequest) -> MakeTokens:
    """Makes what issues and reads tokens, from a number that stands for its keys."""
    made: MakeTokens = request.param
    return made


@pytest.fixture
def tokens(make_tokens: MakeTokens) -> AccessTokens:
    return make_tokens(1)


def test_a_token_tells_the_claims_that_it_was_issued_for(tokens: AccessTokens) -> None:
    assert tokens.verify(tokens.issue(CLAIMS), NOW) == CLAIMS


def test_another_instance_with_the_same_keys_reads_it(make_tokens: MakeTokens) -> None:
    assert make_tokens(1).verify(make_tokens(1).issue(CLAIMS), NOW) == CLAIMS


def test_the_times_are_cut_to_whole_seconds(tokens: AccessTokens) -> None:
    late = TokenClaims(
        CLAIMS.identity_id,
        CLAIMS.session_id,
        CLAIMS.issued_at + timedelta(milliseconds=999),
        CLAIMS.expires_at + timedelta(milliseconds=999),
    )

    assert tokens.verify(tokens.issue(late), NOW) == CLAIMS


def test_a_token_is_good_to_the_last_millisecond(tokens: AccessTokens) -> None:
    assert tokens.verify(tokens.issue(CLAIMS), CLAIMS.expires_at - A_MILLISECOND) == CLAIMS


@pytest.mark.parametrize("after", [timedelta(0), A_MILLISECOND, timedelta(days=1000)])
def test_a_token_whose_time_is_over_is_not_read(tokens: AccessTokens, after: timedelta) -> None:
    token = tokens.issue(CLAIMS)

    with pytest.raises(InvalidToken):
        tokens.verify(token, CLAIMS.expires_at + after)


def test_a_token_signed_with_another_key_is_not_read(make_tokens: MakeTokens) -> None:
    token = make_tokens(2).issue(CLAIMS)

    with pytest.raises(InvalidToken):
        make_tokens(1).verify(token, NOW)


def test_a_token_with_any_character_changed_is_not_read(tokens: AccessTokens) -> None:
    token = tokens.issue(CLAIMS)

    for at, character in enumerate(token):
        changed = token[:at] + ("A" if character != "A" else "B") + token[at + 1 :]
        with pytest.raises(InvalidToken):
            tokens.verify(changed, NOW)


@pytest.mark.parametrize(
    "junk", ["", ".", "..", "a.b.c", "token", "é", "\ud800", "\x00", " ", "{}", "a" * 1_000_000]
)
def test_junk_is_not_read(tokens: AccessTokens, junk: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(junk, NOW)


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "{}=", "{}.", "Bearer {}"])
def test_a_token_with_anything_around_it_is_not_read(tokens: AccessTokens, around: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(around.format(tokens.issue(CLAIMS)), NOW)


def test_the_refusal_does_not_quote_the_token(tokens: AccessTokens) -> None:
    token = tokens.issue(CLAIMS)[:-1]

    with pytest.raises(InvalidToken) as refusal:
        tokens.verify(token, NOW)

    assert token not in str(refusal.value)

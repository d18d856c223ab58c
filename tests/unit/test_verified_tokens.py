"""The bounded memory of verified tokens."""

from datetime import timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from adapters.jwt.verified_tokens import MOST, VerifiedTokens
from application.ports.access_tokens import TokenClaims
from tests.support.builders import NOW, an_id

MOST_HERE: Final = 8


def claims(number: int) -> TokenClaims:
    return TokenClaims(an_id(number), an_id(number), NOW, NOW + timedelta(minutes=15))


def test_it_gives_what_was_put_and_nothing_else() -> None:
    verified = VerifiedTokens()
    verified.put("a token", claims(1))

    assert verified.claims("a token") == claims(1)
    assert verified.claims("a tokem") is None


def test_it_never_holds_more_than_it_may() -> None:
    for most in (2, 3, 7, MOST_HERE, MOST):
        verified = VerifiedTokens(most)
        for number in range(3 * most):
            verified.put(f"token {number}", claims(number))
            assert most == MOST or len(verified) <= most
        assert len(verified) <= most


def test_what_was_put_last_is_there_up_to_half_of_what_it_may_hold() -> None:
    verified = VerifiedTokens(MOST_HERE)

    for number in range(100):
        verified.put(f"token {number}", claims(number))
        for one in range(max(0, number - MOST_HERE // 2 + 1), number + 1):
            assert verified.claims(f"token {one}") == claims(one)


def test_what_is_used_stays_while_others_come_and_go() -> None:
    verified = VerifiedTokens(MOST_HERE)
    verified.put("used", claims(0))

    for number in range(1, 100):
        verified.put(f"token {number}", claims(number))
        assert verified.claims("used") == claims(0)
    assert verified.claims("token 1") is None


def test_no_token_can_be_read_out_of_it() -> None:
    verified = VerifiedTokens()
    verified.put("a token", claims(1))

    assert "a token" not in repr(vars(verified))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20))))
def test_whatever_is_put_and_asked_it_keeps_its_bound_and_confuses_nobody(
    uses: list[tuple[bool, int]],
) -> None:
    verified, put = VerifiedTokens(MOST_HERE), set()

    for is_put, number in uses:
        if is_put:
            verified.put(f"token {number}", claims(number))
            put.add(number)
        found = verified.claims(f"token {number}")
        assert found == claims(number) if is_put else found in (None, claims(number))
        assert found is None or number in put
        assert len(verified) <= MOST_HERE

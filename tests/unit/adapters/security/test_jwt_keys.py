"""Access tokens while keys change, and the cache of verified signatures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import jwt
import pytest
from jwt.algorithms import Algorithm, ECAlgorithm, HMACAlgorithm

from adapters.security.jwt import JwtAccessTokens
from application.ports.errors import InvalidToken
from application.ports.keys import TokenClaims
from domain.token_issuers import TokenIssuers
from tests.support.builders import NOW, an_id
from tests.support.keys import FakeKeyRing, private_key, to_pem

OLD, NEW = ("0000000a", to_pem(private_key(1))), ("0000000b", to_pem(private_key(2)))


CLAIMS: Final = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15), 1)


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the algorithms of the signatures that were verified."""
    verified = list[str]()
    for kind in (ECAlgorithm, HMACAlgorithm):
        monkeypatch.setattr(kind, "verify", _count(kind, verified))
    return verified


def _count(kind: type[Algorithm], verified: list[str]) -> Callable[..., bool]:
    verify = kind.verify

    def count(*arguments: Any) -> bool:
        verified.append(kind.__name__)
        return verify(*arguments)

    return count


def access_tokens(key_set: FakeKeyRing) -> JwtAccessTokens:
    return JwtAccessTokens(key_set, FakeKeyRing(), issuers=TokenIssuers(), audience="app")


def is_rejected(tokens: JwtAccessTokens, token: str) -> bool:
    try:
        tokens.verify(token, NOW)
    except InvalidToken:
        return True
    return False


@pytest.mark.parametrize("generation", [None, 1])
def test_a_signature_is_verified_once_and_the_expiry_each_time(
    verifications: list[str], generation: int | None
) -> None:
    tokens = access_tokens(FakeKeyRing(OLD))
    claims = replace(CLAIMS, generation=generation)
    token = tokens.issue(claims)

    assert [tokens.verify(token, NOW) for _ in range(5)] == [claims] * 5
    for _ in range(2):
        with pytest.raises(InvalidToken, match="expired"):
            tokens.verify(token, claims.expires_at)
    assert tokens.verify(token, NOW) == claims
    assert len(verifications) == 1


def test_a_forged_token_is_never_cached(verifications: list[str]) -> None:
    tokens = access_tokens(FakeKeyRing(OLD))
    forged = access_tokens(FakeKeyRing((OLD[0], NEW[1]))).issue(CLAIMS)

    assert [is_rejected(tokens, forged) for _ in range(3)] == [True] * 3
    assert len(verifications) == 3


@pytest.mark.parametrize("key", [NEW, (OLD[0], NEW[1])], ids=["another id", "the same id"])
def test_a_verified_token_is_rejected_as_soon_as_its_key_is_replaced(
    key: tuple[str, bytes],
) -> None:
    key_set = FakeKeyRing(OLD)
    tokens = access_tokens(key_set)
    token = tokens.issue(CLAIMS)
    key_set.change(NEW, OLD)
    assert tokens.verify(token, NOW) == CLAIMS

    key_set.change(key)

    assert is_rejected(tokens, token)
    assert tokens.verify(tokens.issue(CLAIMS), NOW) == CLAIMS


def test_a_new_key_is_accepted_and_published_before_it_is_active() -> None:
    tokens = access_tokens(FakeKeyRing(NEW, OLD, signs=OLD[0]))

    assert jwt.get_unverified_header(tokens.issue(CLAIMS))["kid"] == OLD[0]
    assert [key.id for key in tokens.list_published()] == [NEW[0], OLD[0]]
    assert tokens.verify(access_tokens(FakeKeyRing(NEW, OLD)).issue(CLAIMS), NOW) == CLAIMS


def test_a_long_lived_token_is_signed_with_a_secret_until_that_is_removed() -> None:
    secrets = FakeKeyRing()
    tokens = JwtAccessTokens(FakeKeyRing(OLD), secrets, issuers=TokenIssuers(), audience="app")
    long_lived = replace(CLAIMS, generation=None)
    token = tokens.issue(long_lived)

    published = {key.id for key in tokens.list_published()}
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "HS256"
    assert header["kid"] not in published
    assert tokens.verify(token, NOW) == long_lived
    assert access_tokens(FakeKeyRing(OLD)).verify(token, NOW) == long_lived
    secrets.change(("0000000e", b"another secret, of thirty-two b."))
    assert is_rejected(tokens, token)

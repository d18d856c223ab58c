"""Tokens while keys come and go, and signatures that are verified once."""

import base64
from datetime import timedelta
from typing import Any, Final

import jwt
import pytest

from adapters.jwt import JwtAccessTokens
from application.ports.access_tokens import TokenClaims
from application.ports.errors import InvalidToken
from tests.support.builders import NOW, an_id
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.keys import private_key, signing_key

OLD, NEW = ("0000000a", signing_key(1)), ("0000000b", signing_key(2))
CLAIMS: Final = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15))


class Verifications:
    """Counts the signatures that are verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._decode = jwt.decode
        monkeypatch.setattr(jwt, "decode", self._counted)

    def _counted(self, *arguments: Any, **options: Any) -> Any:
        self.count += 1
        return self._decode(*arguments, **options)


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> Verifications:
    return Verifications(monkeypatch)


def tokens_of(ring: FakeKeyRing) -> JwtAccessTokens:
    return JwtAccessTokens(ring, issuer="us", audience="them")


def refused(tokens: JwtAccessTokens, token: str) -> bool:
    try:
        tokens.verify(token, NOW)
    except InvalidToken:
        return True
    return False


def change(ring: FakeKeyRing, *keys: tuple[str, bytes], signs: str | None = None) -> None:
    changed = FakeKeyRing(*keys, signs=signs)
    ring.keys, ring.signs = changed.keys, changed.signs


def test_a_signature_is_verified_once(verifications: Verifications) -> None:
    tokens = tokens_of(FakeKeyRing(OLD))
    token = tokens.issue(CLAIMS)

    assert [tokens.verify(token, NOW) for _ in range(5)] == [CLAIMS] * 5
    assert verifications.count == 1


def test_the_time_of_a_token_is_looked_at_each_time(verifications: Verifications) -> None:
    tokens = tokens_of(FakeKeyRing(OLD))
    token = tokens.issue(CLAIMS)
    tokens.verify(token, NOW)

    for _ in range(2):
        with pytest.raises(InvalidToken, match="time"):
            tokens.verify(token, CLAIMS.expires_at)
    assert tokens.verify(token, NOW) == CLAIMS
    assert verifications.count == 1


def test_a_token_that_is_over_when_it_is_first_shown_is_refused_ever_after() -> None:
    tokens = tokens_of(FakeKeyRing(OLD))
    token = tokens.issue(CLAIMS)

    for _ in range(2):
        with pytest.raises(InvalidToken):
            tokens.verify(token, CLAIMS.expires_at)


def test_what_is_not_genuine_is_never_remembered(verifications: Verifications) -> None:
    tokens = tokens_of(FakeKeyRing(OLD))
    forged = tokens_of(FakeKeyRing((OLD[0], NEW[1]))).issue(CLAIMS)

    assert [refused(tokens, forged) for _ in range(3)] == [True] * 3
    assert verifications.count == 3


def test_a_genuine_token_vouches_for_no_other_with_its_signature() -> None:
    tokens = tokens_of(FakeKeyRing(OLD))
    token = tokens.issue(CLAIMS)
    tokens.verify(token, NOW)

    for at, character in enumerate(token):
        assert refused(tokens, token[:at] + ("A" if character != "A" else "B") + token[at + 1 :])


def test_what_a_key_signed_is_refused_as_soon_as_the_key_is_gone() -> None:
    ring = FakeKeyRing(NEW, OLD, signs=OLD[0])
    tokens = tokens_of(ring)
    token = tokens.issue(CLAIMS)
    tokens.verify(token, NOW)

    change(ring, NEW)

    assert refused(tokens, token)


def test_another_key_under_the_same_id_takes_nothing_that_the_first_signed() -> None:
    ring = FakeKeyRing(OLD)
    tokens = tokens_of(ring)
    token = tokens.issue(CLAIMS)
    tokens.verify(token, NOW)

    change(ring, (OLD[0], NEW[1]))

    assert refused(tokens, token)
    assert tokens.verify(tokens.issue(CLAIMS), NOW) == CLAIMS


def test_what_an_old_key_signed_is_read_after_a_new_one_came() -> None:
    ring = FakeKeyRing(OLD)
    tokens = tokens_of(ring)
    token = tokens.issue(CLAIMS)

    change(ring, NEW, OLD)

    assert tokens.verify(token, NOW) == CLAIMS


def test_a_new_key_is_accepted_and_published_before_it_signs() -> None:
    ring = FakeKeyRing(OLD)
    tokens, elsewhere = tokens_of(ring), tokens_of(FakeKeyRing(NEW, OLD))

    change(ring, NEW, OLD, signs=OLD[0])

    assert jwt.get_unverified_header(tokens.issue(CLAIMS))["kid"] == OLD[0]
    assert [key.id for key in tokens.list_published()] == [NEW[0], OLD[0]]
    assert tokens.verify(elsewhere.issue(CLAIMS), NOW) == CLAIMS


def test_the_key_that_signs_is_asked_for_each_time() -> None:
    ring = FakeKeyRing(NEW, OLD, signs=OLD[0])
    tokens = tokens_of(ring)
    signers = []

    for ring.signs in (OLD[0], NEW[0], OLD[0]):
        token = tokens.issue(CLAIMS)
        tokens.verify(token, NOW)
        signers.append(jwt.get_unverified_header(token)["kid"])

    assert signers == [OLD[0], NEW[0], OLD[0]]


def test_what_is_published_checks_tokens_and_signs_none() -> None:
    tokens = tokens_of(FakeKeyRing(OLD))
    (published,) = tokens.list_published()
    point = private_key(1).public_key().public_numbers()

    assert (published.x, published.y) == (point.x.to_bytes(32), point.y.to_bytes(32))
    web_key = jwt.PyJWK(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": base64.urlsafe_b64encode(published.x).decode().rstrip("="),
            "y": base64.urlsafe_b64encode(published.y).decode().rstrip("="),
        },
        "ES256",
    )
    options: Any = {"verify_exp": False, "verify_iat": False}
    read = jwt.decode(
        tokens.issue(CLAIMS), web_key, ["ES256"], options, issuer="us", audience="them"
    )
    assert read["sub"] == CLAIMS.identity_id

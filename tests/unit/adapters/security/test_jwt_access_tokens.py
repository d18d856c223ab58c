"""Access tokens (RFC 7519, RFC 8725): their form, changes of keys, and the cache of signatures."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import Algorithm, ECAlgorithm, HMACAlgorithm

from adapters.security.jwt import JwtAccessTokens
from application.ports.errors import InvalidToken
from application.ports.keys import TokenClaims
from domain.token_issuers import TokenIssuers
from tests.support.builders import NOW, an_id
from tests.support.keys import FakeKeyRing, private_key, to_pem

FORMER = ("0000000a", to_pem(private_key(1)))
CURRENT = ("0000000b", to_pem(private_key(2)))
LONG_LIVED = FakeKeyRing()
KEYS = FakeKeyRing(CURRENT, FORMER)
TOKENS = JwtAccessTokens(KEYS, LONG_LIVED, issuers=TokenIssuers(), audience="app")
CLAIMS = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15), generation=1)
HEADER = {"alg": "ES256", "kid": "0000000b", "typ": "at+jwt"}
PAYLOAD: dict[str, Any] = {
    "iss": "dialtone",
    "aud": "app",
    "iat": int(CLAIMS.issued_at.timestamp()),
    "exp": int(CLAIMS.expires_at.timestamp()),
    "sub": CLAIMS.identity_id,
    "sid": CLAIMS.session_id,
    "gen": 1,
}
JSON = json.dumps(PAYLOAD).encode()


def encode(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def sign(header: Any, payload: Any) -> str:
    """Return a token with any content and a valid signature by the current key."""
    content = f"{encode(header)}.{encode(payload)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(content.encode(), private_key(2))
    return f"{content}.{encode(signature)}"


def is_accepted(token: str, tokens: JwtAccessTokens = TOKENS) -> bool:
    try:
        tokens.verify(token, NOW)
    except InvalidToken:
        return False
    return True


def test_a_token_of_exactly_this_form_is_issued_and_accepted() -> None:
    token = TOKENS.issue(CLAIMS)

    assert jwt.get_unverified_header(token) == HEADER
    assert jwt.decode(token, options={"verify_signature": False}) == PAYLOAD
    # Unknown claims are ignored.
    assert TOKENS.verify(sign(HEADER, PAYLOAD | {"new": "thing"}), NOW) == CLAIMS


def without(part: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != name}


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        *((without(HEADER, name), PAYLOAD) for name in HEADER),
        *((HEADER, without(PAYLOAD, name)) for name in PAYLOAD if name != "gen"),
        (HEADER, []),
        (HEADER, JSON[:-1] + b', "new": ' + b"[" * 1500),
        (HEADER, JSON[:-1] + b', "exp": true}'),
        (HEADER, PAYLOAD | {"more": "x" * 4000}),
        *(
            (HEADER | changes, PAYLOAD)
            for changes in (
                {"alg": "none"}, {"alg": "HS256"}, {"alg": ["ES256"]}, {"kid": "0000000a"},
                {"kid": ["0000000b"]}, {"typ": "JWT"}, {"crit": ["exp"]},
            )
        ),
        *(
            (HEADER, PAYLOAD | changes)
            for changes in (
                {"iss": "other"}, {"aud": "other"}, {"aud": ["app"]}, {"sub": 5}, {"sid": 5},
                {"exp": float(PAYLOAD["exp"])}, {"exp": 10**12}, {"exp": -(10**20)},
                {"iat": "now"}, {"iat": 10**400}, {"gen": True},
            )
        ),
    ],
    ids=lambda part: str(part)[:30],
)  # fmt: skip
def test_an_incomplete_too_long_or_other_content_is_rejected_despite_a_valid_signature(
    header: dict[str, Any], payload: Any
) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(sign(header, payload), NOW)


@pytest.mark.parametrize("alg", ["HS256", "ES256"])
def test_a_public_key_is_never_taken_as_a_secret(alg: str) -> None:
    public_key = private_key(2).public_key()
    secrets = [
        public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    ]
    content = f"{encode(HEADER | {'alg': alg})}.{encode(PAYLOAD)}"
    for secret in secrets:
        signature = hmac.digest(secret, content.encode(), hashlib.sha256)
        assert not is_accepted(f"{content}.{encode(signature)}")
    assert not is_accepted(f"{content}.")


def test_a_signature_of_the_other_algorithm_is_rejected() -> None:
    long_lived = TOKENS.issue(replace(CLAIMS, generation=None))
    short_lived = TOKENS.issue(CLAIMS)
    assert is_accepted(long_lived)
    for token, other in ((long_lived, short_lived), (short_lived, long_lived)):
        content, signature = token.rpartition(".")[0], other.rpartition(".")[2]
        assert not is_accepted(f"{content}.{signature}")


@pytest.mark.parametrize("generation", [None, 1])
def test_tokens_of_a_former_issuer_are_accepted_and_others_are_not(generation: int | None) -> None:
    claims = replace(CLAIMS, generation=generation)
    issuers = TokenIssuers.of("https://dialtone.example.org", ["dialtone"])
    tokens = JwtAccessTokens(KEYS, LONG_LIVED, issuers=issuers, audience="app")

    assert tokens.verify(TOKENS.issue(claims), NOW) == claims
    token = tokens.issue(claims)
    assert jwt.decode(token, options={"verify_signature": False})["iss"] == issuers.issuer
    assert tokens.verify(token, NOW) == claims
    assert not is_accepted(token)


def test_a_token_has_its_claims_with_whole_seconds_for_all_instances() -> None:
    later = timedelta(milliseconds=999)
    precise = replace(
        CLAIMS, issued_at=CLAIMS.issued_at + later, expires_at=CLAIMS.expires_at + later
    )
    other = JwtAccessTokens(KEYS, LONG_LIVED, issuers=TokenIssuers(), audience="app")
    assert other.verify(TOKENS.issue(precise), NOW) == CLAIMS


def test_a_token_with_any_character_changed_or_text_around_it_is_rejected() -> None:
    token = TOKENS.issue(CLAIMS)
    changed = [
        f"{token[:position]}{'A' if character != 'A' else 'B'}{token[position + 1 :]}"
        for position, character in enumerate(token)
    ]
    for text in (*changed, "", "\ud800", f"{token}\n", f"Bearer {token}"):
        assert not is_accepted(text)


# While keys change


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


@pytest.mark.parametrize("generation", [None, 1])
def test_a_signature_is_verified_once_and_the_expiry_each_time(
    verifications: list[str], generation: int | None
) -> None:
    tokens = access_tokens(FakeKeyRing(FORMER))
    claims = replace(CLAIMS, generation=generation)
    token = tokens.issue(claims)

    assert [tokens.verify(token, NOW) for _ in range(5)] == [claims] * 5
    for _ in range(2):
        with pytest.raises(InvalidToken, match="expired"):
            tokens.verify(token, claims.expires_at)
    assert tokens.verify(token, NOW) == claims
    assert len(verifications) == 1


def test_a_forged_token_is_never_cached(verifications: list[str]) -> None:
    tokens = access_tokens(FakeKeyRing(FORMER))
    forged = access_tokens(FakeKeyRing((FORMER[0], CURRENT[1]))).issue(CLAIMS)

    assert [is_accepted(forged, tokens) for _ in range(3)] == [False] * 3
    assert len(verifications) == 3


@pytest.mark.parametrize(
    "key", [CURRENT, (FORMER[0], CURRENT[1])], ids=["another id", "the same id"]
)
def test_a_verified_token_is_rejected_as_soon_as_its_key_is_replaced(
    key: tuple[str, bytes],
) -> None:
    key_set = FakeKeyRing(FORMER)
    tokens = access_tokens(key_set)
    token = tokens.issue(CLAIMS)
    key_set.change(CURRENT, FORMER)
    assert tokens.verify(token, NOW) == CLAIMS

    key_set.change(key)

    assert not is_accepted(token, tokens)
    assert tokens.verify(tokens.issue(CLAIMS), NOW) == CLAIMS


def test_a_new_key_is_accepted_and_published_before_it_is_active() -> None:
    tokens = access_tokens(FakeKeyRing(CURRENT, FORMER, signs=FORMER[0]))

    assert jwt.get_unverified_header(tokens.issue(CLAIMS))["kid"] == FORMER[0]
    assert [key.id for key in tokens.list_published()] == [CURRENT[0], FORMER[0]]
    assert tokens.verify(access_tokens(FakeKeyRing(CURRENT, FORMER)).issue(CLAIMS), NOW) == CLAIMS


def test_a_long_lived_token_is_signed_with_a_secret_until_that_is_removed() -> None:
    secrets = FakeKeyRing()
    tokens = JwtAccessTokens(FakeKeyRing(FORMER), secrets, issuers=TokenIssuers(), audience="app")
    long_lived = replace(CLAIMS, generation=None)
    token = tokens.issue(long_lived)

    published = {key.id for key in tokens.list_published()}
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "HS256"
    assert header["kid"] not in published
    assert tokens.verify(token, NOW) == long_lived
    assert access_tokens(FakeKeyRing(FORMER)).verify(token, NOW) == long_lived
    secrets.change(("0000000e", b"another secret, of thirty-two b."))
    assert not is_accepted(token, tokens)


def test_constant_claims_and_the_time_of_the_login_are_in_short_lived_tokens_only() -> None:
    tokens = JwtAccessTokens(
        KEYS,
        LONG_LIVED,
        issuers=TokenIssuers(),
        audience="app",
        constant_claims={"role": "authenticated"},
    )
    claims = replace(CLAIMS, authenticated_at=NOW - timedelta(hours=1))
    payload = jwt.decode(tokens.issue(claims), options={"verify_signature": False})
    assert (payload["role"], payload["auth_time"]) == ("authenticated", payload["iat"] - 3600)
    assert tokens.verify(tokens.issue(claims), NOW) == CLAIMS
    long_lived = tokens.issue(replace(claims, generation=None, authenticated_at=None))
    payload = jwt.decode(long_lived, options={"verify_signature": False})
    assert not {"role", "auth_time"} & payload.keys()

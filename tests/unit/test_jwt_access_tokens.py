"""What is special about our tokens being JSON Web Tokens (RFC 7519, RFC 8725)."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.jwt import JwtAccessTokens
from application.ports.access_tokens import TokenClaims
from application.ports.errors import InvalidToken
from tests.support.builders import NOW, an_id
from tests.support.examples import examples
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.keys import private_key, signing_key

OLD, CURRENT = ("0000000a", signing_key(1)), ("0000000b", signing_key(2))
TOKENS = JwtAccessTokens(FakeKeyRing(CURRENT, OLD), issuer="us", audience="them")
CLAIMS = TokenClaims(an_id(1), an_id(2), NOW, NOW + timedelta(minutes=15))
HEADER = {"alg": "ES256", "kid": "0000000b", "typ": "at+jwt"}
PAYLOAD: dict[str, Any] = {
    "iss": "us",
    "aud": "them",
    "iat": int(CLAIMS.issued_at.timestamp()),
    "exp": int(CLAIMS.expires_at.timestamp()),
    "sub": CLAIMS.identity_id,
    "sid": CLAIMS.session_id,
}


def part(members: Any) -> str:
    text = members if isinstance(members, bytes) else json.dumps(members).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def signed(header: Any, payload: Any) -> str:
    """A token of whatever content, with a signature that our current key made."""
    content = f"{part(header)}.{part(payload)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(content.encode(), private_key(2))
    return f"{content}.{part(signature)}"


def test_a_token_of_exactly_this_form_is_read() -> None:
    assert TOKENS.verify(signed(HEADER, PAYLOAD), NOW) == CLAIMS


def test_a_token_says_which_key_signed_it_and_what_it_is() -> None:
    assert jwt.get_unverified_header(TOKENS.issue(CLAIMS)) == HEADER


def test_what_an_older_key_signed_is_read_as_long_as_the_key_is_here() -> None:
    before = JwtAccessTokens(FakeKeyRing(OLD), issuer="us", audience="them").issue(CLAIMS)
    afterwards = JwtAccessTokens(FakeKeyRing(CURRENT), issuer="us", audience="them")

    assert TOKENS.verify(before, NOW) == CLAIMS
    with pytest.raises(InvalidToken):
        afterwards.verify(before, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"alg": None},
        {"kid": "0000000c"},
        {"kid": "0000000a"},
        {"kid": 11},
        {"kid": ["0000000b"]},
        {"kid": None},
        {"typ": "JWT"},
        {"typ": None},
        {"crit": ["exp"]},
        {"b64": False},
        {"jku": "https://example.org/keys"},
        {"jwk": {"kty": "EC"}},
        {"zip": "DEF"},
    ],
    ids=str,
)
def test_another_header_is_refused_even_under_our_signature(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(HEADER | changes, PAYLOAD), NOW)


@pytest.mark.parametrize("name", HEADER)
def test_a_header_with_a_part_missing_is_refused(name: str) -> None:
    header = {key: value for key, value in HEADER.items() if key != name}

    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(header, PAYLOAD), NOW)


@pytest.mark.parametrize("name", PAYLOAD)
def test_a_claim_that_is_missing_or_null_is_missed(name: str) -> None:
    without = {key: value for key, value in PAYLOAD.items() if key != name}

    for payload in (without, PAYLOAD | {name: None}):
        with pytest.raises(InvalidToken):
            TOKENS.verify(signed(HEADER, payload), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"iss": ["us"]},
        {"aud": "somebody"},
        {"aud": ["them"]},
        {"aud": ["them", "somebody"]},
        {"exp": str(PAYLOAD["exp"])},
        {"exp": float(PAYLOAD["exp"])},
        {"exp": True},
        {"exp": 10**20},
        {"exp": -(10**20)},
        {"iat": "now"},
        {"iat": 0.5},
        {"iat": False},
        {"iat": 10**400},
        {"sub": 5},
        {"sub": {"id": "x"}},
        {"sid": 5},
        {"sid": ["x"]},
    ],
    ids=lambda changes: str(changes)[:30],
)
def test_a_claim_of_another_value_or_type_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(HEADER, PAYLOAD | changes), NOW)


@pytest.mark.parametrize(
    "payload", [[], "text", 5, None, b"not json", b"", b"[" * 1000, b"\xff", b'{"exp": NaN}']
)
def test_a_payload_that_is_no_object_is_refused(payload: Any) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(HEADER, payload), NOW)


def test_what_a_token_holds_besides_is_left_alone() -> None:
    assert TOKENS.verify(signed(HEADER, PAYLOAD | {"new": "thing"}), NOW) == CLAIMS


def test_a_token_without_a_signature_is_refused() -> None:
    for end in ("", ".", f".{'A' * 86}"):
        with pytest.raises(InvalidToken):
            TOKENS.verify(f"{part(HEADER | {'alg': 'none'})}.{part(PAYLOAD)}{end}", NOW)


def test_our_public_key_used_as_a_shared_secret_signs_nothing() -> None:
    public = private_key(2).public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ):
        for alg in ("HS256", "ES256"):
            content = f"{part(HEADER | {'alg': alg})}.{part(PAYLOAD)}"
            mac = hmac.digest(secret, content.encode(), hashlib.sha256)
            for signature in (mac, mac + mac):
                with pytest.raises(InvalidToken):
                    TOKENS.verify(f"{content}.{part(signature)}", NOW)


@pytest.mark.parametrize("end", ["=", "==", "A", "\n", " "])
def test_a_signature_is_written_in_one_way_only(end: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(HEADER, PAYLOAD) + end, NOW)


def test_a_token_that_is_too_long_is_refused_though_we_signed_it() -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(HEADER, PAYLOAD | {"more": "x" * 2000}), NOW)


@given(st.text(), st.text(), st.text(max_size=100))
def test_no_input_makes_it_raise_anything_else(header: str, payload: str, end: str) -> None:
    for token in (f"{header}.{payload}.{end}", f"{part(HEADER)}.{part(payload)}.{'A' * 86}"):
        with pytest.raises(InvalidToken):
            TOKENS.verify(token, NOW)


@settings(max_examples=examples(25))
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_claim_makes_it_raise_anything_else(value: Any) -> None:
    for name in ("sub", "sid", "exp", "iat", "iss", "aud"):
        try:
            claims = TOKENS.verify(signed(HEADER, PAYLOAD | {name: value}), NOW)
        except InvalidToken:
            continue
        assert value in (claims.identity_id, claims.session_id, claims.issued_at.timestamp()) or (
            value == claims.expires_at.timestamp()
        )


def test_a_key_on_another_curve_is_not_taken() -> None:
    pem = generate_private_key(SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )

    with pytest.raises(ValueError, match="P-256"):
        JwtAccessTokens(FakeKeyRing(("0000000a", pem)), issuer="us", audience="them")

"""Access tokens as JSON Web Tokens (JWT), and the keys that sign them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import jwt
import msgspec
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from application.ports.errors import InvalidToken
from application.ports.keys import Key, KeyRing, PublicKey, TokenClaims
from domain.token_issuers import TokenIssuers

PUBLISHED_ALGORITHM: Final = "ES256"
LONG_LIVED_ALGORITHM: Final = "HS256"
HEADER_TYPE: Final = "at+jwt"
MAX_VERIFIED_TOKENS: Final = 40_000
_COORDINATE_BYTES: Final = 32
_LONG_LIVED_LABEL: Final = b"dialtone long-lived access token"
_LONG_LIVED_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key, and the only algorithm and header of its tokens (RFC 8725 §3.1)."""

    header: Mapping[str, str]
    signing_key: EllipticCurvePrivateKey | bytes = field(repr=False)
    verification_key: EllipticCurvePublicKey | bytes = field(repr=False)

    @property
    def algorithm(self) -> str:
        return self.header["alg"]

    def sign(self, payload: dict[str, Any]) -> str:
        return jwt.encode(payload, self.signing_key, self.algorithm, dict(self.header))


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """All accepted keys, and the claims of tokens that were verified with them.

    - A change of keys makes a new object, so that no cached token outlives its key.
    - A token names its key by its first segment, which all tokens of a key share. To decode it
      would take a third of the time of a first use.
    - The keys of `verified_tokens` are SHA-256 digests of tokens, so that memory contains no token.
      The latest 40,000 take 24 MB.
    """

    published: Sequence[Key]
    long_lived: Sequence[Key]
    by_id: Mapping[str, TokenKey]
    by_header: Mapping[str, TokenKey]
    list_published: Sequence[PublicKey]
    verified_tokens: LRUCache[bytes, TokenClaims] = field(
        default_factory=lambda: LRUCache(MAX_VERIFIED_TOKENS), repr=False
    )


def prepare_token_keys(published: Sequence[Key], long_lived: Sequence[Key]) -> TokenKeys:
    """Prepare published P-256 private keys in PEM, and derive those of long-lived tokens."""
    by_id, public_keys = {}, []
    for key in published:
        private_key = load_pem_private_key(key.key, password=None)
        assert isinstance(private_key, EllipticCurvePrivateKey)  # noqa: S101 - no others are loaded
        public_key = private_key.public_key()
        by_id[key.id] = TokenKey(_header(PUBLISHED_ALGORITHM, key.id), private_key, public_key)
        public_keys.append(_to_public_key(key.id, public_key))
    for key in long_lived:
        key_id, secret = long_lived_id(key), _derive_long_lived_secret(key)
        by_id[key_id] = TokenKey(_header(LONG_LIVED_ALGORITHM, key_id), secret, secret)
    by_header = {key.sign({}).partition(".")[0]: key for key in by_id.values()}
    return TokenKeys(published, long_lived, by_id, by_header, public_keys)


def long_lived_id(key: Key) -> str:
    """Return the id of the key of long-lived tokens that is derived from this one."""
    return f"{key.id}-long-lived"


def _header(algorithm: str, key_id: str) -> Mapping[str, str]:
    return {"alg": algorithm, "kid": key_id, "typ": HEADER_TYPE}


def _derive_long_lived_secret(key: Key) -> bytes:
    """Derive the secret that authenticates long-lived tokens (RFC 5869).

    Only the service verifies these tokens. So they have a MAC, which takes a tenth of the time of
    a signature.
    """
    hkdf = HKDF(SHA256(), _LONG_LIVED_KEY_BYTES, salt=None, info=_LONG_LIVED_LABEL)
    return hkdf.derive(key.key)


def _to_public_key(key_id: str, key: EllipticCurvePublicKey) -> PublicKey:
    point = key.public_numbers()
    return PublicKey(
        key_id, point.x.to_bytes(_COORDINATE_BYTES), point.y.to_bytes(_COORDINATE_BYTES)
    )


MAX_TOKEN_LENGTH: Final = 4096
# The library also accepts padding: then two texts would be one token.
_TOKEN_PATTERN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class _Payload(msgspec.Struct, gc=False):
    """The required claims of a token. Unknown ones are ignored."""

    iss: str
    aud: str
    iat: int
    exp: int
    sub: str
    sid: str
    gen: int | None = None


_decode_payload: Final = msgspec.json.Decoder(_Payload).decode
_verify_signature: Final = jwt.PyJWS().decode
_DECODE_ERRORS: Final = (
    jwt.PyJWTError,
    msgspec.DecodeError,  # also of the type of a claim
    RecursionError,
    OverflowError,  # a time that no date has, or OSError and ValueError
    OSError,
    ValueError,
)


class JwtAccessTokens:
    """Access tokens with refresh tokens are signed with ES256, long-lived ones with HS256.

    According to RFC 8725:

    - A key has one algorithm, which the token's header must name (§3.1).
    - Issuer, subject and audience are checked (§3.8, §3.9).
    - Explicit type `at+jwt` of RFC 9068 (§3.11).
    - Headers with other members (`jku`, `jwk`, `crit`, `b64`, …) are rejected (§3.10).
    - Long-lived tokens, which have no refresh tokens, are signed with a secret: a verifier that
      does not ask the service would accept them after a logout, for months.
    """

    def __init__(
        self,
        key_set: KeyRing,
        long_lived_key_set: KeyRing,
        *,
        issuers: TokenIssuers,
        audience: str,
        constant_claims: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Use the P-256 private keys (PEM) of the first set, and derive keys from the second.

        `constant_claims` are at the top of each short-lived token.
        """
        self._key_set = key_set
        self._long_lived_key_set = long_lived_key_set
        self._keys = prepare_token_keys(key_set.accepted(), long_lived_key_set.accepted())
        self._issuers = issuers
        self._audience = audience
        self._constant_claims = constant_claims

    def issue(self, claims: TokenClaims) -> str:
        # Times are whole seconds (RFC 7519 §2).
        payload: dict[str, object] = {
            "iss": self._issuers.issuer,
            "aud": self._audience,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "sub": claims.identity_id,
            "sid": claims.session_id,
        }
        if claims.amr:
            payload["amr"] = list(claims.amr)
        if claims.generation is None:
            key_id = long_lived_id(self._long_lived_key_set.signing())
        else:
            payload |= self._constant_claims
            payload["gen"] = claims.generation
            if claims.authenticated_at is not None:
                payload["auth_time"] = int(claims.authenticated_at.timestamp())
            if claims.of_extensions:
                payload["x"] = claims.of_extensions
            if claims.of_app:
                payload["app"] = claims.of_app
            key_id = self._key_set.signing().id
        return self._current_keys().by_id[key_id].sign(payload)

    def verify(self, token: str, now: datetime) -> TokenClaims:
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN_PATTERN.fullmatch(token):
            raise InvalidToken("The access token is malformed.")
        keys = self._current_keys()
        digest = hashlib.sha256(token.encode()).digest()
        claims = keys.verified_tokens.get(digest)
        if claims is None:
            claims = keys.verified_tokens[digest] = self._decode(token, keys)
        if now >= claims.expires_at:
            raise InvalidToken("The access token is expired.")
        return claims

    def list_published(self) -> Sequence[PublicKey]:
        return self._current_keys().list_published

    def _current_keys(self) -> TokenKeys:
        published, long_lived = self._key_set.accepted(), self._long_lived_key_set.accepted()
        if published is not self._keys.published or long_lived is not self._keys.long_lived:
            self._keys = prepare_token_keys(published, long_lived)
        return self._keys

    def _decode(self, token: str, keys: TokenKeys) -> TokenClaims:
        key = keys.by_header.get(token.partition(".")[0])
        if key is None:
            raise InvalidToken("The access token has a header of none of our keys.")
        try:
            # The caller's clock decides about times: the instance that issued a token may be a
            # second ahead.
            payload = _verify_signature(token, key.verification_key, algorithms=[key.algorithm])
            claims = _decode_payload(payload)
            issued_at, expires_at = (
                datetime.fromtimestamp(time, UTC) for time in (claims.iat, claims.exp)
            )
        except _DECODE_ERRORS as error:
            raise InvalidToken("The access token is invalid.") from error
        if claims.aud != self._audience or claims.iss not in self._issuers.accepted_issuers:
            raise InvalidToken("The access token is for another service, or of another issuer.")
        return TokenClaims(claims.sub, claims.sid, issued_at, expires_at, claims.gen)

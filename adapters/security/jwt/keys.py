"""The keys of access tokens, and the cache of verified tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from application.ports.keys import Key, PublicKey, TokenClaims

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
    - The keys of `verified_tokens` are SHA-256 digests of tokens, so that memory contains no token.
      The latest 40,000 take 24 MB.
    """

    published: Sequence[Key]
    long_lived: Sequence[Key]
    by_id: Mapping[str, TokenKey]
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
    return TokenKeys(published, long_lived, by_id, public_keys)


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

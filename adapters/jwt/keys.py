"""Signing keys, prepared for verification, and the cache of verified tokens."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from application.ports.keys import Key, PublicKey, TokenClaims

ALGORITHM: Final = "ES256"
HEADER_TYPE: Final = "at+jwt"
MAX_VERIFIED_TOKENS: Final = 10_000
_COORDINATE_BYTES: Final = 32


class VerifiedTokenCache:
    """Claims of tokens with a valid signature, so that a signature is verified only once.

    - The caller checks expiry and session on each use.
    - Tokens are stored as SHA-256 digests, so that memory contains no token.
    - Bounded to `max_size` entries (4 MB by default) in two generations: a full new generation
      replaces the old one, and a token that is used moves to the new one.
    """

    def __init__(self, max_size: int = MAX_VERIFIED_TOKENS) -> None:
        """Create an empty cache for at least two entries."""
        self._generation_size = max_size // 2
        self._new: dict[bytes, TokenClaims] = {}
        self._old: dict[bytes, TokenClaims] = {}

    def get(self, token: str) -> TokenClaims | None:
        """Return the claims of a cached token, or None."""
        digest = _digest(token)
        claims = self._new.get(digest)
        if claims is None and (claims := self._old.get(digest)) is not None:
            self._add(digest, claims)
        return claims

    def put(self, token: str, claims: TokenClaims) -> None:
        """Add a token whose signature was verified."""
        self._add(_digest(token), claims)

    def __len__(self) -> int:
        """Return the number of cached tokens."""
        return len(self._new.keys() | self._old.keys())

    def _add(self, digest: bytes, claims: TokenClaims) -> None:
        if len(self._new) >= self._generation_size:
            self._old, self._new = self._new, {}
        self._new[digest] = claims


@dataclass(frozen=True, slots=True)
class VerificationKeys:
    """All accepted keys, and the tokens that were verified with them.

    A change of keys makes a new object, so that no cached token outlives its key.
    """

    keys: Sequence[Key]
    by_id: Mapping[str, EllipticCurvePublicKey]
    by_header: Mapping[str, EllipticCurvePublicKey]
    list_published: Sequence[PublicKey]
    verified_tokens: VerifiedTokenCache = field(default_factory=VerifiedTokenCache)


def prepare_verification_keys(keys: Sequence[Key]) -> VerificationKeys:
    """Derive the public keys of private keys in PEM.

    Raises:
        ValueError: a key is not on the curve P-256.
    """
    private_keys = {key.id: parse_private_key(key) for key in keys}
    public_keys = {key_id: key.public_key() for key_id, key in private_keys.items()}
    return VerificationKeys(
        keys,
        by_id=public_keys,
        by_header={
            sign_token({}, key_id, key).partition(".")[0]: public_keys[key_id]
            for key_id, key in private_keys.items()
        },
        list_published=tuple(_to_public_key(key_id, key) for key_id, key in public_keys.items()),
    )


def parse_private_key(key: Key) -> EllipticCurvePrivateKey:
    """Parse a private key in PEM.

    Raises:
        ValueError: the key is not on the curve P-256.
    """
    private_key = load_pem_private_key(key.key, password=None)
    match private_key:
        case EllipticCurvePrivateKey(curve=SECP256R1()):
            return private_key
    raise ValueError("A signing key must be a P-256 private key in PEM.")


def sign_token(payload: dict[str, Any], key_id: str, key: EllipticCurvePrivateKey) -> str:
    """Return a signed token with this payload."""
    return jwt.encode(payload, key, ALGORITHM, {"kid": key_id, "typ": HEADER_TYPE})


def _to_public_key(key_id: str, key: EllipticCurvePublicKey) -> PublicKey:
    point = key.public_numbers()
    return PublicKey(
        key_id, point.x.to_bytes(_COORDINATE_BYTES), point.y.to_bytes(_COORDINATE_BYTES)
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

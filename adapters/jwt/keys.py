"""Signing keys, prepared for verification, and the cache of verified tokens."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from application.bounded_cache import BoundedCache
from application.ports.keys import Key, KeyRing, PublicKey, TokenClaims
from domain.values import dataclass

ALGORITHM: Final = "ES256"
HEADER_TYPE: Final = "at+jwt"
MAX_VERIFIED_TOKENS: Final = 40_000
_COORDINATE_BYTES: Final = 32
_LONG_LIVED_LABEL: Final = b"dialtone long-lived access token"
# FIPS 186-5 A.2.1: 64 bits more than the order has, so that the remainder is not biased.
_SEED_BYTES: Final = 40
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class VerifiedTokenCache:
    """Claims of tokens with a valid signature, so that a signature is verified only once.

    - The caller checks expiry and session on each use.
    - Tokens are stored as SHA-256 digests, so that memory contains no token.
    - Bounded to `max_size` entries (16 MB by default).
    """

    def __init__(self, max_size: int = MAX_VERIFIED_TOKENS) -> None:
        """Create an empty cache for at least two entries."""
        self._claims = BoundedCache[bytes, TokenClaims](max_size)

    def get(self, token: str) -> TokenClaims | None:
        """Return the claims of a cached token, or None."""
        return self._claims.get(_digest(token))

    def put(self, token: str, claims: TokenClaims) -> None:
        """Add a token whose signature was verified."""
        self._claims.put(_digest(token), claims)

    def __len__(self) -> int:
        """Return the number of cached tokens."""
        return len(self._claims)


@dataclass(frozen=True, slots=True)
class VerificationKeys:
    """All accepted keys, and the tokens that were verified with them.

    A change of keys makes a new object, so that no cached token outlives its key.
    """

    published: Sequence[Key]
    long_lived: Sequence[Key]
    by_id: Mapping[str, EllipticCurvePublicKey]
    by_header: Mapping[str, EllipticCurvePublicKey]
    list_published: Sequence[PublicKey]
    verified_tokens: VerifiedTokenCache = field(default_factory=VerifiedTokenCache)


def prepare_verification_keys(
    published: Sequence[Key], long_lived: Sequence[Key]
) -> VerificationKeys:
    """Derive the public keys.

    Args:
        published: Private keys in PEM; offline verifiers know their public keys.
        long_lived: Secrets that the keys of long-lived tokens are derived from.

    Raises:
        ValueError: a key is not on the curve P-256.
    """
    signing_keys = [
        *map(parse_signing_key, published),
        *map(derive_long_lived_key, long_lived),
    ]
    public_keys = {key.id: key.private_key.public_key() for key in signing_keys}
    return VerificationKeys(
        published,
        long_lived,
        by_id=public_keys,
        by_header={key.sign({}).partition(".")[0]: public_keys[key.id] for key in signing_keys},
        list_published=tuple(_to_public_key(key.id, public_keys[key.id]) for key in published),
    )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the id that the header of its tokens has."""

    id: str
    private_key: EllipticCurvePrivateKey = field(repr=False)

    def sign(self, payload: dict[str, Any]) -> str:
        """Return a signed token with this payload."""
        return jwt.encode(
            payload, self.private_key, ALGORITHM, {"kid": self.id, "typ": HEADER_TYPE}
        )


class CurrentSigningKey:
    """The current key of a key ring, made anew only when it changes."""

    def __init__(self, key_ring: KeyRing, make: Callable[[Key], SigningKey]) -> None:
        """Use `make` for each new key; raises what it raises."""
        self._key_ring = key_ring
        self._make = make
        self._key = key_ring.signing()
        self._signing_key = make(self._key)

    def sign(self, payload: dict[str, Any]) -> str:
        """Return a token that is signed with the current key."""
        key = self._key_ring.signing()
        if key != self._key:
            self._key, self._signing_key = key, self._make(key)
        return self._signing_key.sign(payload)


def parse_signing_key(key: Key) -> SigningKey:
    """Parse a private key in PEM.

    Raises:
        ValueError: the key is not on the curve P-256.
    """
    return SigningKey(key.id, parse_private_key(key))


def derive_long_lived_key(key: Key) -> SigningKey:
    """Derive the key that signs long-lived tokens from a secret (RFC 5869, FIPS 186-5 A.2.1)."""
    seed = HKDF(SHA256(), _SEED_BYTES, salt=None, info=_LONG_LIVED_LABEL).derive(key.key)
    scalar = int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1
    return SigningKey(f"{key.id}-long-lived", derive_private_key(scalar, SECP256R1()))


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


def _to_public_key(key_id: str, key: EllipticCurvePublicKey) -> PublicKey:
    point = key.public_numbers()
    return PublicKey(
        key_id, point.x.to_bytes(_COORDINATE_BYTES), point.y.to_bytes(_COORDINATE_BYTES)
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

"""Signing keys, prepared for verification, and the cache of verified tokens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from application.ports.keys import Key, KeyRing, PublicKey, TokenClaims

PUBLISHED_ALGORITHM: Final = "ES256"
LONG_LIVED_ALGORITHM: Final = "HS256"
HEADER_TYPE: Final = "at+jwt"
MAX_VERIFIED_TOKENS: Final = 40_000
_COORDINATE_BYTES: Final = 32
_LONG_LIVED_LABEL: Final = b"dialtone long-lived access token"
_LONG_LIVED_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key, and the only algorithm and header of the tokens that it verifies (RFC 8725 §3.1)."""

    header: Mapping[str, str]
    key: EllipticCurvePublicKey | bytes = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The algorithm of its signatures."""
        return self.header["alg"]

    def verify(self, content: str, signature: bytes) -> bool:
        """Return whether this is the signature of the content."""
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return algorithm.verify(content.encode(), self.key, signature)


@dataclass(frozen=True, slots=True)
class VerificationKeys:
    """All accepted keys, and the claims of tokens that were verified with them.

    - A change of keys makes a new object, so that no cached token outlives its key.
    - The keys of `verified_tokens` are SHA-256 digests of tokens, so that memory contains no token.
      The latest 40,000 take 24 MB.
    """

    published: Sequence[Key]
    long_lived: Sequence[Key]
    by_id: Mapping[str, VerificationKey]
    by_header: Mapping[str, VerificationKey]
    list_published: Sequence[PublicKey]
    verified_tokens: LRUCache[bytes, TokenClaims] = field(
        default_factory=lambda: LRUCache(MAX_VERIFIED_TOKENS), repr=False
    )


def prepare_verification_keys(
    published: Sequence[Key], long_lived: Sequence[Key]
) -> VerificationKeys:
    """Prepare the keys for verification.

    Args:
        published: Private keys in PEM; offline verifiers know their public keys.
        long_lived: Secrets that the keys of long-lived tokens are derived from.

    Raises:
        ValueError: a key is not on the curve P-256.
    """
    signing_keys = [*map(parse_signing_key, published), *map(derive_long_lived_key, long_lived)]
    by_id = {key.id: key.verification_key for key in signing_keys}
    return VerificationKeys(
        published,
        long_lived,
        by_id=by_id,
        by_header={key.sign({}).partition(".")[0]: by_id[key.id] for key in signing_keys},
        list_published=tuple(
            _to_public_key(key.id, parse_private_key(key).public_key()) for key in published
        ),
    )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key or a secret, its algorithm, and the id that the header of its tokens has."""

    id: str
    algorithm: str
    key: EllipticCurvePrivateKey | bytes = field(repr=False)

    @property
    def verification_key(self) -> VerificationKey:
        """The key that verifies its tokens."""
        header = {"alg": self.algorithm, "kid": self.id, "typ": HEADER_TYPE}
        return VerificationKey(
            header, self.key if isinstance(self.key, bytes) else self.key.public_key()
        )

    def sign(self, payload: dict[str, Any]) -> str:
        """Return a signed token with this payload."""
        return jwt.encode(payload, self.key, self.algorithm, {"kid": self.id, "typ": HEADER_TYPE})


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
    return SigningKey(key.id, PUBLISHED_ALGORITHM, parse_private_key(key))


def derive_long_lived_key(key: Key) -> SigningKey:
    """Derive the key that authenticates long-lived tokens from a secret (RFC 5869).

    Only the service verifies these tokens. So they have a MAC, which takes a tenth of the time of
    a signature.
    """
    hkdf = HKDF(SHA256(), _LONG_LIVED_KEY_BYTES, salt=None, info=_LONG_LIVED_LABEL)
    return SigningKey(f"{key.id}-long-lived", LONG_LIVED_ALGORITHM, hkdf.derive(key.key))


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

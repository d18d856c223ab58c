"""The keys that verify tokens, in the forms that are needed for that."""

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

from adapters.jwt.verified_tokens import VerifiedTokens
from application.ports.key_ring import Key
from application.ports.public_keys import PublicKey

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
_COORDINATE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class VerifyingKeys:
    """Keys as long as none changes, and what was verified with them: it goes when they do."""

    keys: Sequence[Key]
    by_id: Mapping[str, EllipticCurvePublicKey]
    by_header: Mapping[str, EllipticCurvePublicKey]
    list_published: Sequence[PublicKey]
    verified: VerifiedTokens = field(default_factory=VerifiedTokens)


def verifying_keys(keys: Sequence[Key]) -> VerifyingKeys:
    """Prepare private keys in PEM; raises ValueError when one is not on P-256."""
    private = {key.id: private_key(key) for key in keys}
    public = {key_id: key.public_key() for key_id, key in private.items()}
    return VerifyingKeys(
        keys,
        by_id=public,
        by_header={_header(key_id, key): public[key_id] for key_id, key in private.items()},
        list_published=tuple(_published(key_id, key) for key_id, key in public.items()),
    )


def private_key(key: Key) -> EllipticCurvePrivateKey:
    """Read the key; raises ValueError when it is not on P-256."""
    read = load_pem_private_key(key.key, password=None)
    if not isinstance(read, EllipticCurvePrivateKey) or not isinstance(read.curve, SECP256R1):
        raise ValueError("A signing key is a private key on the curve P-256, in PEM.")
    return read


def encoded(payload: dict[str, Any], key_id: str, key: EllipticCurvePrivateKey) -> str:
    """Sign the payload."""
    return jwt.encode(payload, key, ALGORITHM, {"kid": key_id, "typ": TYPE})


def _header(key_id: str, key: EllipticCurvePrivateKey) -> str:
    return encoded({}, key_id, key).partition(".")[0]


def _published(key_id: str, key: EllipticCurvePublicKey) -> PublicKey:
    point = key.public_numbers()
    return PublicKey(
        key_id, point.x.to_bytes(_COORDINATE_BYTES), point.y.to_bytes(_COORDINATE_BYTES)
    )

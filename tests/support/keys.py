"""Keys for tests, made once for each run."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@cache
def private_key(number: int = 1) -> EllipticCurvePrivateKey:
    """A different P-256 key for each number."""
    return generate_private_key(SECP256R1())


def signing_key(number: int = 1) -> bytes:
    """The same key in PEM."""
    return private_key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

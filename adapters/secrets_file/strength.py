"""Keys that somebody might guess, or has read."""

import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters.secrets_file.document import DocumentWrong
from adapters.secrets_file.secrets import Secrets

_FEWEST_BYTES: Final = 16
"""Different ones that a key has to have: 32 random bytes have fewer once in 10^16 times."""
_WORDS: Final = re.compile(rb"[\t\n\r -~]+")
_DIGITS_IN_HEX: Final = re.compile(rb"[0-9a-fA-F\s]+")
_PUBLISHED: Final = frozenset(
    {
        "b70385660302dca892f74cdb6d75f73fd85e7564306616e1910970462f7110f0",  # RFC 6979 A.2.5
        "cfcef6cfb631f2a350b70a6ab72b20696f65f854aa3649a26b4cc1d2b0f5ce76",  # RFC 7515 A.3
        "43e4b74131385aec85e1f0764d6693ac5e7cc4977f998cc956e1241a818cfd1d",  # RFC 7517 A.2
        "5aea75451f8107db5d69f8f2676de27c55a9f8bb7101c05e3db4d092a5985f4d",  # jwt.io, ES256
    }
)
"""SHA-256 of private numbers that everybody can read."""


def check_strength(secrets: Secrets) -> None:
    """Raise DocumentWrong for the first key that is no secret: guessable, published, or twice."""
    seen: dict[bytes, str] = {}
    for where, key in _every_key(secrets):
        if (reason := _weakness(key)) is not None:
            raise DocumentWrong(f'"{where}.key" {reason}')
        if key in seen:
            raise DocumentWrong(f'"{seen[key]}" and "{where}" hold one key')
        seen[key] = where


def _every_key(secrets: Secrets) -> Iterator[tuple[str, bytes]]:
    yield "index_key", secrets.index_key.key
    for name in ("otp_keys", "seal_keys", "refresh_keys"):
        for at, key in enumerate(getattr(secrets, name)):
            yield f"{name}[{at}]", key.key
    for at, key in enumerate(secrets.signing_keys):
        yield f"signing_keys[{at}]", _private_number(key.key)


def _weakness(key: bytes) -> str | None:
    if len(set(key)) < _FEWEST_BYTES:
        return "is not random: it repeats a few bytes"
    if len({(after - before) % 256 for before, after in pairwise(key)}) == 1:
        return "is not random: it counts"
    if _is_words(key):
        return "is not random: it is words"
    if hashlib.sha256(key).hexdigest() in _PUBLISHED:
        return "is an example that was published"
    return None


def _is_words(key: bytes) -> bool:
    # Random bytes that were written as hex or base64 before have digits and, as base64, both cases.
    if not _WORDS.fullmatch(key) or _DIGITS_IN_HEX.fullmatch(key):
        return False
    text = key.decode()
    has_both_cases = text != text.lower() and text != text.upper()
    return not (has_both_cases and any(one.isdigit() for one in text))


def _private_number(pem: bytes) -> bytes:
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, EllipticCurvePrivateKey)  # noqa: S101 - the document was read
    return key.private_numbers().private_value.to_bytes(32)

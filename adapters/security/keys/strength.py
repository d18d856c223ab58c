"""Whether keys are secret."""

import hashlib
import re
from itertools import pairwise
from typing import Final

from adapters.security.keys.document import KEY_BYTES, InvalidKeys, KeysByPurpose, parse_signing_key
from application.ports.keys import KeyPurpose

_MIN_DISTINCT_BYTES: Final = 16
"""32 random bytes have fewer distinct values with a probability of 10^-16."""
_PRINTABLE: Final = re.compile(rb"[\t\n\r -~]+")
_HEX: Final = re.compile(rb"[0-9a-fA-F\s]+")
_PUBLISHED_KEYS: Final = frozenset(
    {
        "b70385660302dca892f74cdb6d75f73fd85e7564306616e1910970462f7110f0",  # RFC 6979 A.2.5
        "cfcef6cfb631f2a350b70a6ab72b20696f65f854aa3649a26b4cc1d2b0f5ce76",  # RFC 7515 A.3
        "43e4b74131385aec85e1f0764d6693ac5e7cc4977f998cc956e1241a818cfd1d",  # RFC 7517 A.2
        "5aea75451f8107db5d69f8f2676de27c55a9f8bb7101c05e3db4d092a5985f4d",  # jwt.io, ES256
    }
)
"""SHA-256 digests of private keys that were published as examples."""


def check_key_strength(keys: KeysByPurpose) -> None:
    """Check that all keys are secret: neither guessable, nor published, nor used twice.

    Raises:
        InvalidKeys: names the first weak key.
    """
    seen: dict[bytes, str] = {}
    for purpose, keys_of_purpose in keys.items():
        for position, key in enumerate(keys_of_purpose):
            where, secret = f"{purpose}[{position}]", key.key
            if purpose is KeyPurpose.SIGNING:
                numbers = parse_signing_key(secret).private_numbers()
                secret = numbers.private_value.to_bytes(KEY_BYTES)
            if weakness := _find_weakness(secret):
                raise InvalidKeys(f'"{where}.key" {weakness}')
            if seen.setdefault(secret, where) != where:
                raise InvalidKeys(f'"{seen[secret]}" and "{where}" have the same key')


def _find_weakness(key: bytes) -> str | None:
    steps = {(second - first) % 256 for first, second in pairwise(key)}
    if len(set(key)) < _MIN_DISTINCT_BYTES or len(steps) == 1 or _is_readable_text(key):
        return "is not random: it is readable text, a sequence, or repeats a few bytes"
    if hashlib.sha256(key).hexdigest() in _PUBLISHED_KEYS:
        return "is a published example"
    return None


def _is_readable_text(key: bytes) -> bool:
    # Random bytes that were encoded before are accepted: hex, and base64, which has digits and
    # letters of both cases.
    if not _PRINTABLE.fullmatch(key) or _HEX.fullmatch(key):
        return False
    text = key.decode()
    has_both_cases = text != text.lower() and text != text.upper()
    return not (has_both_cases and any(character.isdigit() for character in text))

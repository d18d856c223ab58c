"""What the keys of each purpose have to be."""

import hashlib
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from application.ports.keys import KEY_ID_LENGTH, Key, KeyPurpose

KEY_BYTES: Final = 32
"""The key size of AES-256, and the minimum for HMAC-SHA256 (RFC 2104 §3)."""
_KEY_ID: Final = re.compile(rf"[0-9a-f]{{{KEY_ID_LENGTH}}}")
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

KeysByPurpose: TypeAlias = Mapping[KeyPurpose, tuple[Key, ...]]
"""At least one key for each purpose, newest first."""


class InvalidKeys(Exception):
    """Keys are missing or wrong. The message names the place and the problem, but no key."""


def check_keys(keys: KeysByPurpose, max_index_keys: int = 1) -> None:
    """Check that each purpose has keys of its kind, with ids of their own.

    Args:
        keys: The keys.
        max_index_keys: Two while the index key is changed.

    Raises:
        InvalidKeys
    """
    for purpose, keys_of_purpose in keys.items():
        if not keys_of_purpose:
            raise InvalidKeys(f'"{purpose}" is missing or empty')
        for position, key in enumerate(keys_of_purpose):
            _check_key(key, purpose, f"{purpose}[{position}]")
        if len({key.id for key in keys_of_purpose}) < len(keys_of_purpose):
            raise InvalidKeys(f'two keys of "{purpose}" have the same id')
    if len(keys[KeyPurpose.PHONE_INDEX]) > max_index_keys:
        raise InvalidKeys(
            f'"{KeyPurpose.PHONE_INDEX}" has more than one key. If the index key is being changed, '
            "run `dialtone rotate-index-key`"
        )


def check_key_strength(keys: KeysByPurpose) -> None:
    """Check that all keys are secret: neither guessable, nor published, nor used twice.

    Raises:
        InvalidKeys: names the first weak key.
    """
    seen: dict[bytes, str] = {}
    for purpose, keys_of_purpose in keys.items():
        for position, key in enumerate(keys_of_purpose):
            where = f"{purpose}[{position}]"
            secret = _private_value(key.key) if purpose is KeyPurpose.SIGNING else key.key
            if weakness := _find_weakness(secret):
                raise InvalidKeys(f'"{where}.key" {weakness}')
            if seen.setdefault(secret, where) != where:
                raise InvalidKeys(f'"{seen[secret]}" and "{where}" have the same key')


def _check_key(key: Key, purpose: KeyPurpose, where: str) -> None:
    if not _KEY_ID.fullmatch(key.id):
        raise InvalidKeys(f'"{where}.id" does not consist of {KEY_ID_LENGTH} hex digits')
    if purpose is KeyPurpose.SIGNING:
        if _find_private_key(key.key) is None:
            raise InvalidKeys(f'"{where}.key" is not a P-256 private key in PEM')
    elif len(key.key) < KEY_BYTES:
        raise InvalidKeys(f'"{where}.key" is too short: it has less than {KEY_BYTES} bytes')
    elif purpose is KeyPurpose.PHONE_ENCRYPTION and len(key.key) > KEY_BYTES:
        raise InvalidKeys(f'"{where}.key" is too long: it must have {KEY_BYTES} bytes')


def _find_private_key(pem: bytes) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


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


def _private_value(pem: bytes) -> bytes:
    key = _find_private_key(pem)
    assert key is not None  # noqa: S101 - check_keys has found it
    return key.private_numbers().private_value.to_bytes(KEY_BYTES)

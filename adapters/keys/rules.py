"""What keys of each purpose have to be, wherever they come from."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, TypeAlias

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


def check_keys(keys: Any, max_index_keys: int = 1) -> KeysByPurpose:
    """Return the keys of all purposes, if they are what the port says.

    Args:
        keys: Of anybody's code: everything about them may be wrong. Other purposes are ignored.
        max_index_keys: Two while the index key is changed.

    Raises:
        InvalidKeys
    """
    if not isinstance(keys, Mapping):
        raise InvalidKeys("there is no mapping of purposes to keys")
    checked = {purpose: _check_purpose(keys.get(purpose), purpose) for purpose in KeyPurpose}
    if len(checked[KeyPurpose.PHONE_INDEX]) > max_index_keys:
        raise InvalidKeys(
            f'"{KeyPurpose.PHONE_INDEX}" has more than one key. If the index key is being changed, '
            "run `dialtone rotate-index-key`"
        )
    return checked


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


def _check_purpose(keys: Any, purpose: KeyPurpose) -> tuple[Key, ...]:
    if keys is None or (isinstance(keys, Sequence) and not keys):
        raise InvalidKeys(f'"{purpose}" is missing or empty')
    if not isinstance(keys, Sequence) or isinstance(keys, str | bytes):
        raise InvalidKeys(f'"{purpose}" is not a list of keys')
    for position, key in enumerate(keys):
        _check_key(key, purpose, f"{purpose}[{position}]")
    if len({key.id for key in keys}) < len(keys):
        raise InvalidKeys(f'two keys of "{purpose}" have the same id')
    return tuple(keys)


def _check_key(key: Any, purpose: KeyPurpose, where: str) -> None:
    if not isinstance(key, Key):
        raise InvalidKeys(f'"{where}" is not a Key of application.ports.keys')
    # Nothing has checked the types of somebody else's values.
    key_id, not_before, secret = astuple(key)
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise InvalidKeys(f'"{where}.id" does not consist of {KEY_ID_LENGTH} hex digits')
    if not isinstance(not_before, datetime) or not_before.utcoffset() is None:
        raise InvalidKeys(f'"{where}.not_before" is not a time with an offset')
    if not isinstance(secret, bytes):
        raise InvalidKeys(f'"{where}.key" is not of the type bytes')
    if purpose is KeyPurpose.SIGNING:
        if _find_private_key(secret) is None:
            raise InvalidKeys(f'"{where}.key" is not a P-256 private key in PEM')
    elif len(secret) < KEY_BYTES:
        raise InvalidKeys(f'"{where}.key" is too short: it has less than {KEY_BYTES} bytes')
    elif purpose is KeyPurpose.PHONE_ENCRYPTION and len(secret) > KEY_BYTES:
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

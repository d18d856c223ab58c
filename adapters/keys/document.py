"""The JSON document of the secrets file: format, validation, key generation, weak keys."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from application.ports.keys import Key, KeyPurpose

FORMAT_VERSION: Final = 1
KEY_BYTES: Final = 32
"""The key size of AES-256, and the minimum for HMAC-SHA256 (RFC 2104 §3)."""
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
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


class InvalidDocument(Exception):
    """The document is invalid. The message names the member and the problem, but no key."""


@dataclass(frozen=True, slots=True)
class SecretsDocument:
    """A valid document: its JSON members, including unknown ones, and its keys."""

    members: dict[str, Any] = field(repr=False)
    keys: KeysByPurpose


def parse_document(text: str, max_index_keys: int = 1) -> SecretsDocument:
    """Parse and validate the text of a secrets file.

    Args:
        text: The text.
        max_index_keys: Two while the index key is changed.

    Raises:
        InvalidDocument: a member is missing or invalid.
    """
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        # Without the cause, because its attributes hold the whole text.
        raise InvalidDocument("it is not JSON") from None
    if not isinstance(members, dict):
        raise InvalidDocument("it is not a JSON object")
    if members.get("version") != FORMAT_VERSION:
        raise InvalidDocument(f'"version" is not {FORMAT_VERSION}, the only supported format')
    keys = {purpose: _parse_keys(members.get(purpose), purpose) for purpose in KeyPurpose}
    if len(keys[KeyPurpose.PHONE_INDEX]) > max_index_keys:
        raise InvalidDocument(
            f'"{KeyPurpose.PHONE_INDEX}" has more than one key. If the change of the index key was '
            "interrupted, run `dialtone rotate-index-key` again"
        )
    return SecretsDocument(members, keys)


def render_document(members: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """Return the document as ASCII text, without an indent on one line."""
    return json.dumps(members, indent=indent) + "\n"


def generate_document(*, indent: int | None = 2) -> str:
    """Return a new document with one random key for each purpose (ASVS 5.0 11.5.1)."""
    lists = {purpose.value: [generate_entry(purpose, datetime.now(UTC))] for purpose in KeyPurpose}
    return render_document({"version": FORMAT_VERSION, **lists}, indent=indent)


def generate_entry(purpose: KeyPurpose, not_before: datetime) -> dict[str, str]:
    """Return a new random key as JSON; fractions of a second of `not_before` are dropped."""
    if purpose is KeyPurpose.SIGNING:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        key = pem.decode()
    else:
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return {
        "id": secrets.token_hex(4),
        "not_before": not_before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "key": key,
    }


def check_key_strength(keys: KeysByPurpose) -> None:
    """Check that all keys are secret: neither guessable, nor published, nor used twice.

    Raises:
        InvalidDocument: names the first weak key.
    """
    seen: dict[bytes, str] = {}
    for purpose, keys_of_purpose in keys.items():
        for position, key in enumerate(keys_of_purpose):
            where = f"{purpose}[{position}]"
            secret = _private_value(key.key) if purpose is KeyPurpose.SIGNING else key.key
            if weakness := _find_weakness(secret):
                raise InvalidDocument(f'"{where}.key" {weakness}')
            if seen.setdefault(secret, where) != where:
                raise InvalidDocument(f'"{seen[secret]}" and "{where}" have the same key')


def _parse_keys(entries: Any, purpose: KeyPurpose) -> tuple[Key, ...]:
    if not isinstance(entries, list) or not entries:
        raise InvalidDocument(f'"{purpose}" is missing or empty')
    keys = tuple(_parse_key(entry, purpose, position) for position, entry in enumerate(entries))
    if len({key.id for key in keys}) < len(keys):
        raise InvalidDocument(f'two keys of "{purpose}" have the same id')
    return keys


def _parse_key(entry: Any, purpose: KeyPurpose, position: int) -> Key:
    where = f"{purpose}[{position}]"
    if not isinstance(entry, dict):
        raise InvalidDocument(f'"{where}" is not a JSON object')
    for name in ("id", "not_before", "key"):
        if not isinstance(entry.get(name), str):
            raise InvalidDocument(f'"{where}.{name}" is missing')
    if not _KEY_ID.fullmatch(entry["id"]):
        raise InvalidDocument(f'"{where}.id" does not consist of 8 hex digits')
    not_before = _parse_time(entry["not_before"], f"{where}.not_before")
    parse_secret = _parse_private_key if purpose is KeyPurpose.SIGNING else _parse_key_bytes
    key = parse_secret(entry["key"], f"{where}.key")
    if purpose is KeyPurpose.PHONE_ENCRYPTION and len(key) != KEY_BYTES:
        raise InvalidDocument(f'"{where}.key" is too long: it must have {KEY_BYTES} bytes')
    return Key(entry["id"], not_before, key)


def _parse_time(text: str, where: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidDocument(f'"{where}" is not a time with Z or offset: 2026-05-01T09:30:00Z')
    return time


def _parse_key_bytes(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidDocument(f'"{where}" is not base64') from None
    if len(key) < KEY_BYTES:
        raise InvalidDocument(f'"{where}" is too short: it has less than {KEY_BYTES} bytes')
    return key


def _parse_private_key(text: str, where: str) -> bytes:
    pem = text.encode(errors="replace")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidDocument(f'"{where}" is not a P-256 private key in PEM')
    return pem


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
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - parse_document checked it
    return key.private_numbers().private_value.to_bytes(32)

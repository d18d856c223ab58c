"""The JSON document of the secrets file: its format, and the generation of keys."""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta, Struct

from application.ports.keys import KEY_ID_LENGTH, Key, KeyPurpose

FORMAT_VERSION: Final = 1
KEY_BYTES: Final = 32
"""The key size of AES-256, and the minimum for HMAC-SHA256 (RFC 2104 §3)."""
KeysByPurpose: TypeAlias = Mapping[KeyPurpose, tuple[Key, ...]]
"""At least one key for each purpose, newest first."""


class InvalidKeys(Exception):
    """Keys are missing or wrong. The message names the place and the problem, but no key."""


@dataclass(frozen=True, slots=True)
class SecretsDocument:
    """A valid document: its JSON members, including unknown ones, and its keys."""

    members: dict[str, Any] = field(repr=False)
    keys: KeysByPurpose


class _Entry(Struct):
    id: Annotated[str, Meta(pattern=rf"^[0-9a-f]{{{KEY_ID_LENGTH}}}$")]
    not_before: Annotated[datetime, Meta(tz=True)]


class _HmacEntry(_Entry):
    key: Annotated[bytes, Meta(min_length=KEY_BYTES)]


class _EncryptionEntry(_Entry):
    key: Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]


class _SigningEntry(_Entry):
    key: str


class _Members(Struct):
    version: Literal[1]
    otp_pepper: Annotated[list[_HmacEntry], Meta(min_length=1)]
    signing: Annotated[list[_SigningEntry], Meta(min_length=1)]
    refresh: Annotated[list[_HmacEntry], Meta(min_length=1)]
    phone_index: Annotated[list[_HmacEntry], Meta(min_length=1, max_length=1)]
    phone_encryption: Annotated[list[_EncryptionEntry], Meta(min_length=1)]


def parse_document(text: str) -> SecretsDocument:
    """Parse and validate the text of a secrets file.

    Raises:
        InvalidKeys: a member is missing or invalid.
    """
    try:
        members = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise InvalidKeys("it is not JSON") from None
    try:
        valid = msgspec.convert(members, _Members)
    except msgspec.ValidationError as error:
        raise InvalidKeys(str(error)) from None
    keys = {purpose: _list_keys(getattr(valid, purpose), purpose) for purpose in KeyPurpose}
    return SecretsDocument(members, keys)


def parse_signing_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the private key.

    Raises:
        InvalidKeys: it is not a P-256 key in PEM.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKeys("Expected a P-256 private key in PEM")
    return key


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


def _list_keys(
    entries: Sequence[_HmacEntry | _EncryptionEntry | _SigningEntry], purpose: KeyPurpose
) -> tuple[Key, ...]:
    keys = []
    for position, entry in enumerate(entries):
        key = entry.key
        if isinstance(key, str):
            key = key.encode()
            try:
                parse_signing_key(key)
            except InvalidKeys as error:
                raise InvalidKeys(f"{error} - at `$.{purpose}[{position}].key`") from None
        keys.append(Key(entry.id, entry.not_before, key))
    if len({key.id for key in keys}) < len(keys):
        raise InvalidKeys(f'two keys of "{purpose}" have the same id')
    return tuple(keys)

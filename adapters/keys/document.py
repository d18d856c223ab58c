"""The JSON document of the secrets file: its format, and the generation of keys."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.keys.rules import KEY_BYTES, InvalidKeys, KeysByPurpose, check_keys
from application.ports.keys import Key, KeyPurpose

FORMAT_VERSION: Final = 1


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
        InvalidKeys: a member is missing or invalid.
    """
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        # Without the cause, because its attributes hold the whole text.
        raise InvalidKeys("it is not JSON") from None
    if not isinstance(members, dict):
        raise InvalidKeys("it is not a JSON object")
    if members.get("version") != FORMAT_VERSION:
        raise InvalidKeys(f'"version" is not {FORMAT_VERSION}, the only supported format')
    keys = {purpose: _parse_keys(members.get(purpose), purpose) for purpose in KeyPurpose}
    check_keys(keys, max_index_keys)
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


def _parse_keys(entries: Any, purpose: KeyPurpose) -> tuple[Key, ...]:
    if not isinstance(entries, list):
        raise InvalidKeys(f'"{purpose}" is missing or empty')
    return tuple(_parse_key(entry, purpose, position) for position, entry in enumerate(entries))


def _parse_key(entry: Any, purpose: KeyPurpose, position: int) -> Key:
    where = f"{purpose}[{position}]"
    if not isinstance(entry, dict):
        raise InvalidKeys(f'"{where}" is not a JSON object')
    for name in ("id", "not_before", "key"):
        if not isinstance(entry.get(name), str):
            raise InvalidKeys(f'"{where}.{name}" is missing')
    not_before = _parse_time(entry["not_before"], f"{where}.not_before")
    if purpose is KeyPurpose.SIGNING:
        return Key(entry["id"], not_before, entry["key"].encode(errors="replace"))
    try:
        return Key(entry["id"], not_before, base64.b64decode(entry["key"], validate=True))
    except ValueError:
        raise InvalidKeys(f'"{where}.key" is not base64') from None


def _parse_time(text: str, where: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidKeys(f'"{where}" is not a time with Z or offset: 2026-05-01T09:30:00Z')
    return time

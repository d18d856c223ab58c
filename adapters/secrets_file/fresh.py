"""What a new secrets file holds."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.secrets_file.document import KEY_BYTES, VERSION

Entry: TypeAlias = dict[str, str]


def fresh_document() -> str:
    """Make the text of a file with one fresh key of each kind (ASVS 5.0 11.5.1)."""
    now = datetime.now(UTC)
    return text_of(
        {
            "version": VERSION,
            "otp_keys": [fresh_key(now)],
            "index_key": fresh_key(now),
            "seal_keys": [fresh_key(now)],
            "signing_keys": [fresh_signing_key(now)],
            "refresh_keys": [fresh_key(now)],
        }
    )


def text_of(document: Mapping[str, Any]) -> str:
    """Write the document as it stands in the file, in ASCII."""
    return json.dumps(document, indent=2) + "\n"


def fresh_key(not_before: datetime) -> Entry:
    """Make an entry with random bytes."""
    return entry(secrets.token_hex(4), not_before, secrets.token_bytes(KEY_BYTES))


def entry(key_id: str, not_before: datetime, key: bytes) -> Entry:
    """Write a key of bytes as an entry."""
    return _entry(key_id, not_before, base64.b64encode(key).decode())


def fresh_signing_key(not_before: datetime) -> Entry:
    """Make an entry with a private key on P-256."""
    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _entry(secrets.token_hex(4), not_before, pem.decode())


def _entry(key_id: str, not_before: datetime, key: str) -> Entry:
    time = not_before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": key_id, "not_before": time, "key": key}

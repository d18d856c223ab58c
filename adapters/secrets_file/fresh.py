"""What a new secrets file holds."""

import base64
import json
import secrets
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.secrets_file.document import KEY_BYTES, VERSION


def fresh_document() -> str:
    """Make the text of a file with one fresh key of each kind (ASVS 5.0 11.5.1)."""
    document = {
        "version": VERSION,
        "peppers": [_entry(_random_key())],
        "index_key": _entry(_random_key()),
        "seal_keys": [_entry(_random_key())],
        "signing_keys": [_entry(_signing_key())],
    }
    return json.dumps(document, indent=2) + "\n"


def _entry(key: str) -> dict[str, str]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": secrets.token_hex(4), "not_before": now, "key": key}


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _signing_key() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

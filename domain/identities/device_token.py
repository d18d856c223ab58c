"""Device tokens: how a phone's own devices prove that somebody logged in on them before."""

import base64
import hashlib
import hmac
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

SECRET_BYTES: Final = 16
MAX_DEVICES: Final = 10
DEVICE_TOKEN_TTL: Final = timedelta(days=180)
# Identity id and secret.
_TOKEN: Final = struct.Struct(">12s16s")
_LABEL: Final = b"dialtone device token\0"
_SECRET_LABEL: Final = b"dialtone device secret\0"
_ID_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class DeviceToken:
    """The proof of an earlier login: an identity, and a secret of one of its devices.

    The secret is derived with a key or random, so a plain hash of it is enough for the database.
    """

    identity_id: str
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The encoded form that the client gets: base64url without padding (RFC 4648 §5)."""
        packed = _TOKEN.pack(bytes.fromhex(self.identity_id), self.secret)
        return base64.urlsafe_b64encode(packed).removesuffix(b"==").decode()

    @property
    def device_id(self) -> str:
        """What is stored of the token: a hash of the secret."""
        return hashlib.sha256(_LABEL + self.secret).hexdigest()[:_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class RecognizedDevice:
    """A device whose token is valid until `expires_at`. `session_id` is its latest login."""

    id: str
    session_id: str
    expires_at: datetime


def derive_device_secret(key: bytes, session_id: str) -> bytes:
    """Derive the secret of the device that a session made known: the same for each response."""
    return hmac.new(key, _SECRET_LABEL + session_id.encode(), "sha256").digest()[:SECRET_BYTES]


def parse_device_token(text: str) -> DeviceToken | None:
    """Parse the encoded form. Any other text is None: an invalid token has no effect."""
    with suppress(ValueError, struct.error):
        identity, secret = _TOKEN.unpack(base64.urlsafe_b64decode(f"{text}=="))
        token = DeviceToken(identity.hex(), secret)
        # The decoder ignores unknown characters, so only the exact encoding is accepted.
        if token.text == text:
            return token
    return None

"""Refresh tokens: their content, their MAC and their encoded form."""

import base64
import hashlib
import hmac
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

# Identity id, session id and generation; a token has the MAC after them.
_PAYLOAD: Final = struct.Struct(">12s16sI")
_TOKEN: Final = struct.Struct(">12s16sI32s")
_LABEL: Final = b"dialtone refresh token\0"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A generation of a session's refresh tokens. Nothing of it is stored.

    It names identity and session, and its MAC proves that the service made it (HMAC-SHA256,
    RFC 2104): somebody who knows only the session's id can neither make a token nor revoke the
    session.
    """

    identity_id: str
    session_id: str
    generation: int
    mac: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The encoded form that the client gets: base64url without padding (RFC 4648 §5)."""
        return base64.urlsafe_b64encode(self._payload() + self.mac).removesuffix(b"==").decode()

    def has_valid_mac(self, keys: Iterable[bytes], nonce: bytes) -> bool:
        """Return whether one of the keys made its MAC, for a session with this nonce."""
        return any(hmac.compare_digest(self._make_mac(key, nonce), self.mac) for key in keys)

    def _make_mac(self, key: bytes, nonce: bytes) -> bytes:
        return hmac.new(key, _LABEL + self._payload() + nonce, hashlib.sha256).digest()

    def _payload(self) -> bytes:
        identity_id, session_id = bytes.fromhex(self.identity_id), bytes.fromhex(self.session_id)
        return _PAYLOAD.pack(identity_id, session_id, self.generation)


def make_refresh_token(
    identity_id: str, session_id: str, generation: int, *, key: bytes, nonce: bytes
) -> RefreshToken:
    """Make the token of this generation. The same arguments give the same token."""
    unsigned = RefreshToken(identity_id, session_id, generation, mac=b"")
    return replace(unsigned, mac=unsigned._make_mac(key, nonce))


def parse_refresh_token(text: str) -> RefreshToken | None:
    """Parse the encoded form. Any other text is None."""
    with suppress(ValueError, struct.error):
        identity, session, generation, mac = _TOKEN.unpack(base64.urlsafe_b64decode(f"{text}=="))
        token = RefreshToken(identity.hex(), session.hex(), generation, mac)
        # The decoder ignores unknown characters, so only the exact encoding is accepted.
        if token.text == text:
            return token
    return None

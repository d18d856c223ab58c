"""Refresh tokens: what a client trades for the next access token, and what they are made of."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from domain.errors import ValueRefused

_IDENTITY: Final = 12
_SESSION: Final = 16
_GENERATION: Final = 4
_MAC: Final = 32
_BYTES: Final = _IDENTITY + _SESSION + _GENERATION + _MAC
_LABEL: Final = b"dialtone refresh token\0"
MOST_GENERATIONS: Final = 256**_GENERATION


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One generation of a session's refresh tokens; nothing of it is stored.

    It says whose session it is of, and proves by its MAC that the service made it (HMAC-SHA256,
    RFC 2104): who merely knows a session's id can neither make one nor end the session.
    """

    identity_id: str
    session_id: str
    generation: int
    mac: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """What the client gets: base64url without padding (RFC 4648 §5)."""
        return base64.urlsafe_b64encode(self._named() + self.mac).rstrip(b"=").decode()

    def is_made_by(self, keys: Iterable[bytes], nonce: bytes) -> bool:
        """Whether its MAC is by one of the keys, for a session with this nonce."""
        named = self._named()
        return any(hmac.compare_digest(_mac(key, named, nonce), self.mac) for key in keys)

    def _named(self) -> bytes:
        return _named(self.identity_id, self.session_id, self.generation)


def make_refresh_token(
    identity_id: str, session_id: str, generation: int, *, key: bytes, nonce: bytes
) -> RefreshToken:
    """Make the token of this generation; the same from the same parts, whoever makes it."""
    mac = _mac(key, _named(identity_id, session_id, generation), nonce)
    return RefreshToken(identity_id, session_id, generation, mac)


def parse_refresh_token(text: str) -> RefreshToken:
    """Read what a client sent.

    Raises:
        ValueRefused: it has not the form of one.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
    except (UnicodeError, binascii.Error):
        raw = b""
    if len(raw) != _BYTES or len(text) != -(-_BYTES * 4 // 3):
        raise ValueRefused("This is not a refresh token; send the one from the latest answer.")
    parts, mac = raw[:-_MAC], raw[-_MAC:]
    token = RefreshToken(
        parts[:_IDENTITY].hex(),
        parts[_IDENTITY : _IDENTITY + _SESSION].hex(),
        int.from_bytes(parts[-_GENERATION:], "big"),
        mac,
    )
    if token.text != text:
        raise ValueRefused("This is not a refresh token; send the one from the latest answer.")
    return token


def _named(identity_id: str, session_id: str, generation: int) -> bytes:
    return (
        bytes.fromhex(identity_id)
        + bytes.fromhex(session_id)
        + generation.to_bytes(_GENERATION, "big")
    )


def _mac(key: bytes, named: bytes, nonce: bytes) -> bytes:
    return hmac.digest(key, _LABEL + named + nonce, hashlib.sha256)

"""Refresh tokens: what a client trades for the next access token, and what they are made of."""

import base64
import hashlib
import hmac
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from domain.errors import InvalidValue

# The ids of identity and session, the generation; and behind them the MAC.
_PAYLOAD: Final = struct.Struct(">12s16sI")
_TOKEN: Final = struct.Struct(">12s16sI32s")
_LABEL: Final = b"dialtone refresh token\0"


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
        return base64.urlsafe_b64encode(self._payload() + self.mac).removesuffix(b"==").decode()

    def has_valid_mac(self, keys: Iterable[bytes], nonce: bytes) -> bool:
        """Whether its MAC is by one of the keys, for a session with this nonce."""
        named = self._payload()
        return any(hmac.compare_digest(_mac(key, named, nonce), self.mac) for key in keys)

    def _payload(self) -> bytes:
        return _pack_payload(self.identity_id, self.session_id, self.generation)


def make_refresh_token(
    identity_id: str, session_id: str, generation: int, *, key: bytes, nonce: bytes
) -> RefreshToken:
    """Make the token of this generation; the same from the same parts, whoever makes it."""
    mac = _mac(key, _pack_payload(identity_id, session_id, generation), nonce)
    return RefreshToken(identity_id, session_id, generation, mac)


def parse_refresh_token(text: str) -> RefreshToken:
    """Read what a client sent.

    Raises:
        InvalidValue: it has not the form of one.
    """
    with suppress(ValueError, struct.error):
        identity, session, generation, mac = _TOKEN.unpack(base64.urlsafe_b64decode(f"{text}=="))
        token = RefreshToken(identity.hex(), session.hex(), generation, mac)
        # The decoder passes over what it does not know: only the one spelling counts.
        if token.text == text:
            return token
    raise InvalidValue("This is not a refresh token; send the one from the latest answer.")


def _pack_payload(identity_id: str, session_id: str, generation: int) -> bytes:
    return _PAYLOAD.pack(bytes.fromhex(identity_id), bytes.fromhex(session_id), generation)


def _mac(key: bytes, named: bytes, nonce: bytes) -> bytes:
    return hmac.digest(key, _LABEL + named + nonce, hashlib.sha256)

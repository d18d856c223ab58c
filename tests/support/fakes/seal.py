import hashlib
import os
from dataclasses import dataclass

from application.ports.errors import CorruptRecord
from domain.phone import PhoneNumber

_NONCE = 8
_TAG = 16


@dataclass(frozen=True, slots=True)
class FakeSeal:
    """A seal that hides phones well enough for a search through bytes to find none."""

    key: bytes = b"the only key"

    def blind_index(self, phone: PhoneNumber) -> str:
        return self._digest(b"index", phone.e164.encode()).hex()

    def encrypt(self, phone: PhoneNumber, record_id: str) -> bytes:
        nonce = os.urandom(_NONCE)
        hidden = self._xor(phone.e164.encode(), nonce, record_id)
        return nonce + self._tag(nonce + hidden, record_id) + hidden

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        nonce, tag = ciphertext[:_NONCE], ciphertext[_NONCE : _NONCE + _TAG]
        hidden = ciphertext[_NONCE + _TAG :]
        if tag != self._tag(nonce + hidden, record_id):
            raise CorruptRecord("sealed for another record, or with another key")
        return PhoneNumber(self._xor(hidden, nonce, record_id).decode())

    def key_fingerprint(self) -> str:
        return self._digest(b"fingerprint").hex()[:16]

    def _xor(self, text: bytes, nonce: bytes, record_id: str) -> bytes:
        stream = self._digest(b"stream", nonce, record_id.encode())
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))

    def _tag(self, content: bytes, record_id: str) -> bytes:
        return self._digest(b"tag", content, record_id.encode())[:_TAG]

    def _digest(self, *parts: bytes) -> bytes:
        return hashlib.blake2b(b"\0".join(parts), key=self.key, digest_size=32).digest()

import hashlib
import os
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network

from application.ports.errors import CorruptRecord
from domain.otp.client_ip import HashedClientIp
from domain.phone import PhoneNumber

_NONCE = 8
_TAG = 16


@dataclass(frozen=True, slots=True)
class FakePhoneEncryption:
    """Encryption that is just good enough that a search through bytes finds no phone."""

    key: bytes = b"the only key"

    def blind_index(self, phone: PhoneNumber) -> str:
        return self._digest(b"index", phone.e164.encode()).hex()

    def encrypt(self, phone: PhoneNumber, record_id: str) -> bytes:
        nonce = os.urandom(_NONCE)
        encrypted = self._xor(phone.e164.encode(), nonce, record_id)
        return nonce + self._tag(nonce + encrypted, record_id) + encrypted

    def reencrypt(self, ciphertext: bytes, record_id: str) -> bytes:
        return ciphertext  # there is one key

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        nonce, tag = ciphertext[:_NONCE], ciphertext[_NONCE : _NONCE + _TAG]
        encrypted = ciphertext[_NONCE + _TAG :]
        if tag != self._tag(nonce + encrypted, record_id):
            raise CorruptRecord("encrypted for another record, or with another key")
        return PhoneNumber(self._xor(encrypted, nonce, record_id).decode())

    def hash_client_ip(self, client_ip: str) -> HashedClientIp:
        try:
            network = ip_network(client_ip)
        except ValueError:
            return HashedClientIp(self._hash_ip(client_ip), self._hash_ip(client_ip))
        is_ipv6 = network.version == 6
        around = network.supernet(new_prefix=48 if is_ipv6 else 24)
        return HashedClientIp(self._hash_ip(client_ip), self._hash_ip(str(around)), is_ipv6)

    def hash_number_range(self, number_range: str) -> str:
        return self._digest(b"number range", number_range.encode()).hex()[:16]

    def hash_phone(self, phone: PhoneNumber) -> str:
        return self._digest(b"phone", phone.e164.encode()).hex()[:16]

    def hash_external_id(self, external_id: str) -> str:
        return self._digest(b"external id", external_id.encode()).hex()[:32]

    def hash_challenge(self, challenge_id: str) -> str:
        return self._digest(b"challenge", challenge_id.encode()).hex()[:32]

    def hash_phone_of_day(self, phone: PhoneNumber, day: date) -> str:
        return self._digest(b"log", f"{day} {phone.e164}".encode()).hex()[:16]

    def sign_url(self, text: str) -> str:
        return self._digest(b"media url", text.encode()).hex()[:16]

    def _hash_ip(self, text: str) -> str:
        return self._digest(b"client ip", text.encode()).hex()[:16]

    def key_fingerprint(self) -> str:
        return self._digest(b"fingerprint").hex()[:16]

    def _xor(self, text: bytes, nonce: bytes, record_id: str) -> bytes:
        stream = self._digest(b"stream", nonce, record_id.encode())
        return bytes(byte ^ key for byte, key in zip(text, stream, strict=False))

    def _tag(self, content: bytes, record_id: str) -> bytes:
        return self._digest(b"tag", content, record_id.encode())[:_TAG]

    def _digest(self, *parts: bytes) -> bytes:
        return hashlib.blake2b(b"\0".join(parts), key=self.key, digest_size=32).digest()

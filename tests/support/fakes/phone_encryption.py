import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.ports.errors import CorruptRecord
from domain.otp.client_ip import HashedClientIp
from domain.phone import PhoneNumber

_NONCE = 12


@dataclass(frozen=True, slots=True)
class FakePhoneEncryption:
    """Encryption with one key, for all purposes."""

    key: bytes = b"the only key"

    def blind_index(self, phone: PhoneNumber) -> str:
        return self._digest("index", phone.e164).hex()

    def encrypt(self, phone: PhoneNumber, record_id: str, stored: bytes | None = None) -> bytes:
        with suppress(CorruptRecord):
            if stored is not None and self.decrypt(stored, record_id) == phone:
                return stored
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher().encrypt(nonce, phone.e164.encode(), record_id.encode())

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        nonce, encrypted = ciphertext[:_NONCE], ciphertext[_NONCE:]
        try:
            phone = self._cipher().decrypt(nonce, encrypted, record_id.encode())
        except (InvalidTag, ValueError) as error:
            raise CorruptRecord("encrypted for another record, or with another key") from error
        return PhoneNumber(phone.decode())

    def hash_client_ip(self, client_ip: str) -> HashedClientIp:
        try:
            network = ip_network(client_ip)
        except ValueError:
            return HashedClientIp(self._hash_ip(client_ip), self._hash_ip(client_ip))
        is_ipv6 = network.version == 6
        around = network.supernet(new_prefix=48 if is_ipv6 else 24)
        return HashedClientIp(self._hash_ip(client_ip), self._hash_ip(str(around)), is_ipv6)

    def hash_number_range(self, number_range: str) -> str:
        return self._digest("number range", number_range).hex()[:16]

    def key_fingerprint(self) -> str:
        return self._digest("fingerprint").hex()[:16]

    def _hash_ip(self, text: str) -> str:
        return self._digest("client ip", text).hex()[:16]

    def _cipher(self) -> AESGCM:
        return AESGCM(self._digest("cipher"))

    def _digest(self, *parts: str) -> bytes:
        return hashlib.blake2b("\0".join(parts).encode(), key=self.key, digest_size=32).digest()

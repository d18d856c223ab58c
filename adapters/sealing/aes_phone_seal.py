import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.ports.errors import StorageUnavailable
from application.ports.key_ring import KeyRing
from application.ports.randomness import Randomness
from domain.phone import PhoneNumber

KEY_ID_LENGTH: Final = 8
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_FINGERPRINT_OF: Final = b"fingerprint of the phone index key"
_FINGERPRINT_DIGITS: Final = 16


class AesPhoneSeal:
    """Blind index by HMAC-SHA256 (RFC 2104), sealing by AES-256-GCM (NIST SP 800-38D).

    Sealed: version (1 byte), id of the key (8 ASCII characters), nonce (12 bytes), ciphertext
    with its tag; the record's id is associated data, so that what was sealed for one record
    cannot be passed off as another's. The nonce is random, which SP 800-38D §8.3 allows for
    2^32 seals under one key: it has to be replaced long before.
    """

    def __init__(self, index_key: bytes, seal_keys: KeyRing, randomness: Randomness) -> None:
        """Take the index key, and the seal keys: one of them seals, all of them open."""
        if any(len(key.id.encode()) != KEY_ID_LENGTH for key in seal_keys.accepted()):
            raise ValueError(f"The id of a seal key has {KEY_ID_LENGTH} ASCII characters.")
        self._index_key = index_key
        self._seal_keys = seal_keys
        self._randomness = randomness

    def blind_index(self, phone: PhoneNumber) -> str:
        """Give the blind index: 64 hex digits."""
        return self._digest(phone.e164.encode())

    def encrypt(self, phone: PhoneNumber, record_id: str) -> bytes:
        """Encrypt the phone for this record, under the current key."""
        nonce = self._randomness.bytes(_NONCE_BYTES)
        key = self._seal_keys.signing()
        ciphertext = AESGCM(key.key).encrypt(nonce, phone.e164.encode(), record_id.encode())
        return _VERSION + key.id.encode() + nonce + ciphertext

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        """Decrypt what was sealed for this record, under whichever key that was.

        Raises:
            StorageUnavailable
        """
        version, key_id, nonce, ciphertext = _parts(ciphertext)
        keys = self._seal_keys.accepted()
        key = next((one.key for one in keys if one.id.encode() == key_id), None)
        if version != _VERSION or len(nonce) != _NONCE_BYTES:
            raise StorageUnavailable("A sealed phone is not of a form that this version reads.")
        if key is None:
            raise StorageUnavailable("A phone was sealed with a key that is not in the secrets.")
        try:
            e164 = AESGCM(key).decrypt(nonce, ciphertext, record_id.encode())
        except InvalidTag as error:
            raise StorageUnavailable(
                "A sealed phone was changed, or sealed for another record."
            ) from error
        return PhoneNumber(e164.decode())

    def key_fingerprint(self) -> str:
        """Name the index key by 16 hex digits that tell nothing of it."""
        return self._digest(_FINGERPRINT_OF)[:_FINGERPRINT_DIGITS]

    def _digest(self, message: bytes) -> str:
        return hmac.digest(self._index_key, message, hashlib.sha256).hex()


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    after_id = 1 + KEY_ID_LENGTH
    after_nonce = after_id + _NONCE_BYTES
    return sealed[:1], sealed[1:after_id], sealed[after_id:after_nonce], sealed[after_nonce:]

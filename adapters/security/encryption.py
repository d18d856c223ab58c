"""Encryption, blind indexes and hashes of phone numbers and client IPs."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from ipaddress import IPv6Network
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from application.ports.errors import CorruptRecord
from application.ports.keys import KEY_ID_LENGTH, Key, KeyRing
from application.ports.system import Randomness
from domain.otp.delivery import HashedClientIp
from domain.phone import PhoneNumber

_FORMAT_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_FINGERPRINT_MESSAGE: Final = b"fingerprint of the phone index key"
_FINGERPRINT_LENGTH: Final = 16
_CLIENT_IP_KEY_MESSAGE: Final = b"key of the client ip hashes"
_NUMBER_RANGE_KEY_MESSAGE: Final = b"key of the number range hashes"
_PHONE_KEY_MESSAGE: Final = b"key of the phone hashes"
_EXTERNAL_ID_KEY_MESSAGE: Final = b"key of the external id hashes"
_CHALLENGE_KEY_MESSAGE: Final = b"key of the challenge hashes"
_URL_KEY_MESSAGE: Final = b"key of the media URL signatures"
_LOG_KEY_INFO: Final = b"dialtone hashes of phones in the log"
_HASH_BYTES: Final = 16
_LOG_HASH_BYTES: Final = 8
_IPV4: Final = re.compile(r"([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}")
_IPV6_NETWORK_PREFIX_LENGTH: Final = 48
_NONCE_START: Final = 1 + KEY_ID_LENGTH
_CIPHERTEXT_START: Final = _NONCE_START + _NONCE_BYTES


class AesPhoneEncryption:
    """Blind index by HMAC-SHA256 (RFC 2104), encryption by AES-256-GCM (NIST SP 800-38D).

    - Format: version (1 byte), key id (8 ASCII characters), nonce (12 bytes), ciphertext with tag.
    - The record id is associated data, so a ciphertext cannot be moved to another record.
    - Client IPs, number ranges and the phones of audit entries are hashed, and URLs signed, with
      keys of their own, which are derived from the index key. Without a key, all 2^32 IPv4
      addresses could be tried; encrypted, equal ones could not be compared.
    - The nonce is random. SP 800-38D §8.3 allows 2^32 encryptions with one key. So a stored
      ciphertext is kept while the key is the same, and keys are rotated.
    """

    def __init__(self, index_key: bytes, encryption_keys: KeyRing, randomness: Randomness) -> None:
        """Use these keys: the current encryption key encrypts, all of them decrypt."""
        self._index_mac = HMAC(index_key, SHA256())
        self._client_ip_mac = self._derive_mac(_CLIENT_IP_KEY_MESSAGE)
        self._number_range_mac = self._derive_mac(_NUMBER_RANGE_KEY_MESSAGE)
        self._phone_mac = self._derive_mac(_PHONE_KEY_MESSAGE)
        self._external_id_mac = self._derive_mac(_EXTERNAL_ID_KEY_MESSAGE)
        self._challenge_mac = self._derive_mac(_CHALLENGE_KEY_MESSAGE)
        # HKDF (RFC 5869): the log goes to other systems, so its key is independent of all others.
        log_key = HKDF(SHA256(), length=32, salt=None, info=_LOG_KEY_INFO).derive(index_key)
        self._log_mac = HMAC(log_key, SHA256())
        self._url_mac = self._derive_mac(_URL_KEY_MESSAGE)
        self._encryption_keys = encryption_keys
        self._randomness = randomness
        self._ciphers: dict[bytes, AESGCM] = {}
        self._ciphers_of: Sequence[Key] = ()

    def blind_index(self, phone: PhoneNumber) -> str:
        return _digest(self._index_mac, phone.e164.encode()).hex()

    def encrypt(self, phone: PhoneNumber, record_id: str) -> bytes:
        key = self._encryption_keys.signing()
        nonce = self._randomness.bytes(_NONCE_BYTES)
        key_id = key.id.encode()
        cipher = self._accepted_ciphers().get(key_id) or AESGCM(key.key)
        ciphertext = cipher.encrypt(nonce, phone.e164.encode(), record_id.encode())
        return _FORMAT_VERSION + key_id + nonce + ciphertext

    def reencrypt(self, ciphertext: bytes, record_id: str) -> bytes:
        if ciphertext[1:_NONCE_START] == self._encryption_keys.signing().id.encode():
            return ciphertext
        return self.encrypt(self.decrypt(ciphertext, record_id), record_id)

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        nonce = ciphertext[_NONCE_START:_CIPHERTEXT_START]
        if ciphertext[:1] != _FORMAT_VERSION or len(nonce) != _NONCE_BYTES:
            raise CorruptRecord("An encrypted phone number has an unknown format.")
        cipher = self._accepted_ciphers().get(ciphertext[1:_NONCE_START])
        if cipher is None:
            raise CorruptRecord(
                f"A phone number's encryption key, {find_key_id(ciphertext)}, is missing: add it "
                "to the keys again, from an earlier copy of them."
            )
        try:
            e164 = cipher.decrypt(nonce, ciphertext[_CIPHERTEXT_START:], record_id.encode())
        except InvalidTag as error:
            raise CorruptRecord(
                "An encrypted phone number was changed, or encrypted for another record."
            ) from error
        return PhoneNumber(e164.decode())

    def hash_client_ip(self, client_ip: str) -> HashedClientIp:
        ip_hash = _hash_text(self._client_ip_mac, client_ip)
        if ipv4 := _IPV4.fullmatch(client_ip):
            # `ip_network` would take longer than the hashes, which each request needs.
            return HashedClientIp(ip_hash, _hash_text(self._client_ip_mac, f"{ipv4[1]}.0/24"))
        try:
            network = IPv6Network(client_ip)
        except ValueError:
            return HashedClientIp(ip_hash, ip_hash)
        if network.prefixlen > _IPV6_NETWORK_PREFIX_LENGTH:
            network = network.supernet(new_prefix=_IPV6_NETWORK_PREFIX_LENGTH)
        network_hash = _hash_text(self._client_ip_mac, str(network))
        return HashedClientIp(ip_hash, network_hash, is_ipv6=True)

    def hash_number_range(self, number_range: str) -> str:
        return _hash_text(self._number_range_mac, number_range)

    def hash_phone(self, phone: PhoneNumber) -> str:
        return _hash_text(self._phone_mac, phone.e164)

    def hash_external_id(self, external_id: str) -> str:
        return _hash_text(self._external_id_mac, external_id)

    def hash_challenge(self, challenge_id: str) -> str:
        return _hash_text(self._challenge_mac, challenge_id)

    def hash_phone_of_day(self, phone: PhoneNumber, day: date) -> str:
        message = f"{day.isoformat()} {phone.e164}".encode()
        return _digest(self._log_mac, message)[:_LOG_HASH_BYTES].hex()

    def sign_url(self, text: str) -> str:
        return _hash_text(self._url_mac, text)

    def key_fingerprint(self) -> str:
        return _digest(self._index_mac, _FINGERPRINT_MESSAGE).hex()[:_FINGERPRINT_LENGTH]

    def _accepted_ciphers(self) -> Mapping[bytes, AESGCM]:
        keys = self._encryption_keys.accepted()
        if keys is not self._ciphers_of:
            self._ciphers = {key.id.encode(): AESGCM(key.key) for key in keys}
            self._ciphers_of = keys
        return self._ciphers

    def _derive_mac(self, message: bytes) -> HMAC:
        return HMAC(_digest(self._index_mac, message), SHA256())


def find_key_id(ciphertext: bytes) -> str:
    """Return the id of the key of a ciphertext, whose first nine bytes suffice.

    Raises:
        CorruptRecord: unknown format.
    """
    if ciphertext[:1] != _FORMAT_VERSION or len(ciphertext) < _NONCE_START:
        raise CorruptRecord("An encrypted phone number has an unknown format.")
    return ciphertext[1:_NONCE_START].decode("ascii", "replace")


def _hash_text(mac: HMAC, text: str) -> str:
    return _digest(mac, text.encode())[:_HASH_BYTES].hex()


def _digest(mac: HMAC, message: bytes) -> bytes:
    # A copy takes half as long as `hmac.digest`, which hashes the key each time.
    copy = mac.copy()
    copy.update(message)
    return copy.finalize()

"""Encryption of stored phone numbers, and hashes of stored client IPs."""

from typing import Protocol

from application.ports.keyed_hashes import KeyedHashes
from domain.phone import PhoneNumber


class PhoneEncryption(KeyedHashes, Protocol):
    """Keeps phone numbers and client IPs unreadable at rest.

    Repositories encrypt phones with it; use cases only hash client IPs and number ranges.
    """

    def blind_index(self, phone: PhoneNumber) -> str:
        """Return the blind index: the same for the same phone, and useless without the key."""
        ...

    def encrypt(self, phone: PhoneNumber, record_id: str) -> bytes:
        """Encrypt the phone for this record. Encrypting it again gives different bytes."""
        ...

    def reencrypt(self, ciphertext: bytes, record_id: str) -> bytes:
        """Return the ciphertext of this record under the current key.

        A ciphertext of that key is returned as it is: safe encryptions per key are limited.

        Raises:
            CorruptRecord: as `decrypt`.
        """
        ...

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        """Decrypt a phone that was encrypted for this record.

        Raises:
            CorruptRecord: it is damaged, was encrypted for another record, or with a key that is
                not available.
        """
        ...

    def key_fingerprint(self) -> str:
        """Return a name of the index key that does not reveal it.

        A database keeps it, so that it is never opened with other keys.
        """
        ...
